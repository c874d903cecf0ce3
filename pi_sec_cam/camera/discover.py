"""Which cameras this machine has, and which of them is the best."""

from pathlib import Path

from pi_sec_cam.camera.found import FoundCamera
from pi_sec_cam.camera.pi_cameras import pi_cameras
from pi_sec_cam.camera.v4l2_devices import v4l2_cameras


def cameras(dev: Path = Path("/dev"), *, with_modes: bool = True) -> tuple[list[FoundCamera], list[str]]:
    """All cameras, the best first: those on a Pi's camera connector, then V4L2 devices in the order of their numbers.

    Args:
        dev: where device files are.
        with_modes: ask Pi cameras for their modes too, which opens each for a second.

    Returns:
        The cameras, and for people: what kept others from being found, and what to do about it.
    """
    on_connector, faults = pi_cameras(with_modes=with_modes)
    on_v4l2, more_faults = v4l2_cameras(dev)
    return on_connector + on_v4l2, faults + more_faults


def best(dev: Path = Path("/dev"), *, kind: str | None = None) -> FoundCamera | None:
    """The camera to take where none is named, None if there is none that works; with `kind`, of that backend only."""
    found, _ = cameras(dev, with_modes=False)
    usable = [camera for camera in found if camera.kind == "picamera2" or camera.modes]
    return next((camera for camera in usable if kind in {None, camera.kind}), None)
