"""Rules between keys: what each key allows by itself is in the models, what they allow together is here.

The first line of each rule's docstring is its text in the reference.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from unicodedata import normalize

from pi_sec_cam.config.addresses import is_live
from pi_sec_cam.config.configuration import CameraConfiguration, Configuration
from pi_sec_cam.config.shape import Loc
from pi_sec_cam.config.values import SAMPLES
from pi_sec_cam.config.wording import path_text, quoted


@dataclass(frozen=True, slots=True)
class Clash:
    """Keys that cannot be used together.

    Attributes:
        loc: where it is said: the key to change.
        text: what is wrong and the way out.
        about: all keys whose values the rule looked at; it does not hold if one of them is at fault itself.
    """

    loc: Loc
    text: str
    about: tuple[Loc, ...]


def _a_stream_has_an_address(camera: CameraConfiguration, at: Loc) -> Iterator[Clash]:
    """`camera.url` is needed for backend `stream`; `url` and `detect_url` are for that backend alone."""
    source, backend = camera.camera, (*at, "camera", "backend")
    if source.backend == "stream" and source.url is None:
        loc = (*at, "camera", "url")
        yield Clash(loc, 'is needed for backend "stream": the address of the camera, or a file', (backend, loc))
    for key, value in (("url", source.url), ("detect_url", source.detect_url)):
        if source.backend != "stream" and value is not None:
            loc = (*at, "camera", key)
            yield Clash(loc, f'is only for backend "stream", but the backend is "{source.backend}"', (backend, loc))


def _a_device_is_local(camera: CameraConfiguration, at: Loc) -> Iterator[Clash]:
    """`camera.device` is for local cameras alone: not for the backends `stream` and `scene`."""
    source = camera.camera
    if source.device is not None and source.backend in {"stream", "scene"}:
        loc = (*at, "camera", "device")
        text = f'is only for a local camera, but the backend is "{source.backend}"'
        yield Clash(loc, text, ((*at, "camera", "backend"), loc))
    if source.device is not None and source.backend == "picamera2" and not source.device.isdecimal():
        loc = (*at, "camera", "device")
        text = 'must be the number of a Pi camera, "0" or "1"; `pi-sec-cam devices` shows it'
        yield Clash(loc, text, ((*at, "camera", "backend"), loc))


def _only_what_is_not_live_plays_fast(camera: CameraConfiguration, at: Loc) -> Iterator[Clash]:
    """`camera.pace` `fast` is for files and the scene alone: a live camera has its own pace."""
    source = camera.camera
    if source.pace == "fast" and (source.backend not in {"stream", "scene"} or (source.url and is_live(source.url))):
        loc = (*at, "camera", "pace")
        text = '"fast" is only for files and backend "scene"; a live camera has its own pace: use "realtime"'
        yield Clash(loc, text, (loc, (*at, "camera", "backend"), (*at, "camera", "url")))


def _a_stream_is_not_turned(camera: CameraConfiguration, at: Loc) -> Iterator[Clash]:
    """`rotation` 180 is impossible for backend `stream`, which passes the camera's video through."""
    if camera.rotation and camera.camera.backend == "stream":
        loc = (*at, "rotation")
        text = (
            "180 is impossible for a stream, whose video is passed through as it is: write null, "
            "and turn the picture in that camera's own settings"
        )
        yield Clash(loc, text, (loc, (*at, "camera", "backend")))


def _events_have_folders_of_their_own(camera: CameraConfiguration, at: Loc) -> Iterator[Clash]:
    """The two folder formats together tell days and times of a day apart."""
    formats = camera.formats
    patterns = (formats.day_directory_format, formats.time_directory_format)
    folders = {tuple(sample.strftime(pattern) for pattern in patterns) for sample in SAMPLES}
    if len(folders) < len(SAMPLES):
        day, time = (*at, "formats", "day_directory_format"), (*at, "formats", "time_directory_format")
        text = "together with day_directory_format gives the same folder for events of different days or times"
        yield Clash(time, text, (day, time))


def _infrared_commands_differ(camera: CameraConfiguration, at: Loc) -> Iterator[Clash]:
    """`infrared_controller.on_command` and `off_command` differ."""
    infrared = camera.infrared_controller
    if infrared.enabled and infrared.on_command == infrared.off_command:
        on, off = (*at, "infrared_controller", "on_command"), (*at, "infrared_controller", "off_command")
        yield Clash(off, "is the same as on_command", (on, off))


def _keys_in_pairs(whole: Configuration) -> Iterator[Clash]:
    """These come in pairs: `server.certfile_path` and `keyfile_path`, `location.latitude` and `longitude`."""
    for section, one, other in (("server", "certfile_path", "keyfile_path"), ("location", "latitude", "longitude")):
        for key, partner in ((one, other), (other, one)):
            values = getattr(whole, section)
            if getattr(values, key) is None and getattr(values, partner) is not None:
                yield Clash((section, key), f"is needed too, as {partner} is set", ((section, key), (section, partner)))


def _what_needs_another_key(whole: Configuration) -> Iterator[Clash]:
    """`dropbox.refresh_token` needs `dropbox.app_key`; `storage.sealed` needs `dropbox.public_pem_path`."""
    app, pem = ("dropbox", "app_key"), ("dropbox", "public_pem_path")
    if whole.dropbox.refresh_token is not None and whole.dropbox.app_key is None:
        yield Clash(app, "is needed too, as refresh_token is set", (app, ("dropbox", "refresh_token")))
    if whole.storage.sealed and whole.dropbox.public_pem_path is None:
        text = "needs the owner's public key to seal for: set dropbox.public_pem_path"
        yield Clash(("storage", "sealed"), text, (pem, ("storage", "sealed")))


def _names_differ(whole: Configuration) -> Iterator[Clash]:
    """Cameras and remotes all have different names; capital and small letters count as the same.

    So do letters that are put together otherwise: on some disks, both are one folder.
    """
    named: list[tuple[Loc, str]] = [(("cameras", i, "cam_name"), own.cam_name) for i, own in enumerate(whole.cameras)]
    if not named:
        named = [(("cam_name",), whole.cam_name)]
    named += [(("remotes", i, "name"), own.name) for i, own in enumerate(whole.remotes)]
    yield from _doubles([(loc, _folded(name), quoted(name)) for loc, name in named], "is already the name of {}")


def _folded(name: str) -> str:
    """What two names have in common that a disk without regard to case takes for one (Unicode 3.13, D145)."""
    return normalize("NFD", normalize("NFD", name).casefold())


def _devices_are_not_shared(whole: Configuration) -> Iterator[Clash]:
    """A servo's pin, a serial port and a local camera belong to one camera each; backend `auto` is for one at most."""
    pins: list[Named] = []
    ports: list[Named] = []
    sources: list[Named] = []
    for at, camera in _places(whole):
        for index, servo in enumerate(camera.servos):
            pins.append(((*at, "servos", index, "board_pin"), str(servo.board_pin), f"pin {servo.board_pin}"))
        infrared, source = camera.infrared_controller, camera.camera
        if infrared.enabled:
            port = infrared.serial_port
            ports.append(((*at, "infrared_controller", "serial_port"), port, quoted(port)))
        if source.device is not None and source.backend not in {"stream", "scene"}:
            sources.append(((*at, "camera", "device"), f"device {source.device}", quoted(source.device)))
        elif source.backend not in {"stream", "scene"}:
            sources.append(((*at, "camera", "backend"), source.backend, quoted(source.backend)))
    yield from _doubles(pins, "is already used by {}; a servo belongs to one camera, so name it only there")
    yield from _doubles(ports, "is already used by {}; a controller belongs to one camera, so name it only there")
    yield from _doubles(sources, "is already taken by {}; say what else this camera is to watch")


Named = tuple[Loc, str, str]
"""Where a name stands, what makes it the same as another, and how it is shown."""


def _doubles(named: list[Named], text: str) -> Iterator[Clash]:
    first: dict[str, Loc] = {}
    for loc, same, shown in named:
        if same in first:
            yield Clash(loc, f"{shown} {text.format(path_text(first[same]))}", (loc, first[same]))
        first.setdefault(same, loc)


def _places(whole: Configuration) -> list[tuple[Loc, CameraConfiguration]]:
    """Each camera, with the place in the file where its own keys stand."""
    if not whole.cameras:
        return [((), camera) for camera in whole.cameras_resolved()]
    return [(("cameras", index), camera) for index, camera in enumerate(whole.cameras_resolved())]


OF_A_CAMERA: tuple[Callable[[CameraConfiguration, Loc], Iterator[Clash]], ...] = (
    _a_stream_has_an_address,
    _a_device_is_local,
    _only_what_is_not_live_plays_fast,
    _a_stream_is_not_turned,
    _events_have_folders_of_their_own,
    _infrared_commands_differ,
)
OF_THE_FILE: tuple[Callable[[Configuration], Iterator[Clash]], ...] = (
    _keys_in_pairs,
    _what_needs_another_key,
    _names_differ,
    _devices_are_not_shared,
)


def clashes(whole: Configuration, spoilt: Sequence[Loc] = ()) -> list[Clash]:
    """All keys that cannot be used together, but those that hang on a value of a `spoilt` place."""
    found = [clash for at, camera in _places(whole) for rule in OF_A_CAMERA for clash in rule(camera, at)]
    found += [clash for rule in OF_THE_FILE for clash in rule(whole)]
    return [clash for clash in found if not any(_hangs_on(loc, bad) for loc in clash.about for bad in spoilt)]


def _hangs_on(loc: Loc, bad: Loc) -> bool:
    """Whether a value lies in a faulty one or contains it; a camera's may also be the top level's."""
    inherited = loc[2:] if loc[:1] == ("cameras",) else loc
    return any(own[: len(bad)] == bad or bad[: len(own)] == own for own in (loc, inherited))
