"""Stands in for the display library: picamera2 imports it for a preview that a camera without a screen never shows."""


class PixelFormat:
    """picamera2 reads names off this class when it is imported, and uses none of them here."""

    def __getattr__(self, name: str) -> str:
        return name


PixelFormat = PixelFormat()  # type: ignore[assignment, misc]
