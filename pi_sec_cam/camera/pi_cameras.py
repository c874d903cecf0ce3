"""Lists the cameras on a Raspberry Pi's camera connectors, with their modes."""

import importlib.util
from pathlib import Path
from typing import Any

from pi_sec_cam.camera.found import FoundCamera, Mode
from pi_sec_cam.camera.picamera2 import INSTALL, cause_of, load_library, open_camera
from pi_sec_cam.errors import SourceUnusable


def pi_cameras(
    *, with_modes: bool, model: Path = Path("/proc/device-tree/model")
) -> tuple[list[FoundCamera], list[str]]:
    """Cameras on the connector, and what kept them from being looked for.

    libcamera lists USB cameras too; those are left to the V4L2 backend.

    Args:
        with_modes: ask each for its modes, which opens it for a second.
        model: where the kernel says what machine this is: only a Pi lacks something without picamera2.
    """
    if importlib.util.find_spec("picamera2") is None:
        on_a_pi = model.exists() and "Raspberry Pi" in model.read_text(errors="replace")
        return [], [f"picamera2 is not installed: {INSTALL}"] if on_a_pi else []
    try:
        library = load_library()
        listed = library.Picamera2.global_camera_info()
    except SourceUnusable as error:
        return [], [str(error)]
    except RuntimeError as error:
        return [], [f"libcamera cannot look for Pi cameras: {error}"]
    found, faults = [], []
    for index, info in enumerate(listed):
        if "usb" in info["Id"].lower():
            continue
        modes: tuple[Mode, ...] = ()
        if with_modes:
            try:
                with open_camera(library, index) as camera:
                    modes = tuple(_mode(mode) for mode in camera.sensor_modes if "size" in mode)
            except (RuntimeError, AttributeError) as error:  # in use; or a sensor that picamera2 does not understand
                faults.append(f"Pi camera {index} ({info['Model']}) cannot be asked for its modes: {cause_of(error)}")
        found.append(FoundCamera("picamera2", str(index), info["Model"], modes))
    return found, faults


def _mode(said: dict[str, Any]) -> Mode:
    width, height = said["size"]
    return Mode(str(said["format"]), width, height, (round(float(said["fps"]), 2),) if "fps" in said else ())
