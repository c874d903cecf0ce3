"""Paths that a store may be asked to put something under: they never lead out of the place that it was given."""

from pi_sec_cam.errors import PermanentError

MARKER = "pi_sec_cam-store"
"""The one file that a store may make besides: it marks the place as one that cameras use."""


def parts_of(path: str) -> list[str]:
    """The folders and the name in it.

    Raises:
        PermanentError: it is not `<folder>/…/<name>`: absolute, with `.`, `..`, nothing between two slashes, or NUL.
    """
    parts = path.split("/")
    if not set(parts).isdisjoint({"", ".", ".."}) or "\0" in path:
        raise PermanentError(f"{path!r} is not the path of a file in a store")
    return parts
