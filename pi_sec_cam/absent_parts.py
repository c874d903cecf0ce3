"""What a configuration names and this machine or this version does not have: it degrades, it never stops the camera."""

from dataclasses import dataclass
from pathlib import Path

from pi_sec_cam.config import Configuration


@dataclass(frozen=True, slots=True)
class AbsentPart:
    """A part that is configured and does not work, and what that means for the user."""

    name: str
    detail: str


def absent_parts(configuration: Configuration) -> list[AbsentPart]:
    """Each part that `configuration` asks for in vain."""
    absent = []
    if configuration.server.enabled and "server" in configuration.model_fields_set:
        absent.append(
            AbsentPart("server", "this version has no command server yet; `pi-sec-cam status` works on this machine")
        )
    # Defaults that nobody wrote down are not missed: a machine without servo and lamp is no broken machine. (With
    # `cameras`, a camera has only the devices that are written down.)
    named = {"servos", "infrared_controller"} if configuration.cameras else configuration.model_fields_set
    for camera in configuration.cameras_resolved():
        infrared = camera.infrared_controller
        if infrared.enabled and "infrared_controller" in named:
            found = "" if Path(infrared.serial_port).exists() else f"{infrared.serial_port} does not exist, and "
            absent.append(
                AbsentPart(f"infrared_controller of {camera.cam_name}", f"{found}this version does not drive it yet")
            )
        if camera.servos and "servos" in named:
            pins = ", ".join(str(servo.board_pin) for servo in camera.servos)
            absent.append(
                AbsentPart(f"servos of {camera.cam_name}", f"this version does not move servos yet (pins {pins})")
            )
        if camera.audio.enabled:
            absent.append(AbsentPart(f"audio of {camera.cam_name}", "this version records no sound yet"))
    absent += [
        AbsentPart(f"remotes[{remote.name}]", "this version does not show other machines' cameras yet")
        for remote in configuration.remotes
    ]
    return absent
