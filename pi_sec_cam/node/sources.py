"""From a camera's configuration to the camera."""

import logging
import threading
from collections.abc import Callable

from pi_sec_cam.camera.found import FoundCamera
from pi_sec_cam.camera.protocol import Camera, Sink
from pi_sec_cam.clock import Clock
from pi_sec_cam.config import CameraConfiguration
from pi_sec_cam.errors import SourceAway

log = logging.getLogger(__name__)

# How long a network camera's pictures may wait to be read together: those that are watched for movement, and those that
# are only kept.
_WATCHED_READ_EVERY_S, _KEPT_READ_EVERY_S = 0.2, 0.4
# Those that are watched, where what happens leaves this machine at once. What is only kept need not be read sooner:
# from the first movement on it is read as it comes, and until that has become an event, what waited has been read.
_SENT_READ_EVERY_S = 0.1


def overlay_text(configuration: CameraConfiguration, clock: Clock) -> Callable[[int], str]:
    """What is written into a picture, by its media time: the camera's name and the local date."""
    name, pattern = configuration.cam_name, configuration.formats.overlay_date_format
    return lambda pts_us: f"{name} {clock.stamp(pts_us).wall.astimezone().strftime(pattern)}"


def camera_for(
    configuration: CameraConfiguration, clock: Clock, *, demo: bool, hurry: Callable[[], bool] | None = None
) -> Camera:
    """The camera that a configuration names; nothing is opened yet.

    Args:
        demo: take the rendered scene, whatever the configuration names.
        hurry: whether at the moment no picture may wait to be read together with others; None: nothing is sent.
    """
    backend, device = configuration.camera.backend, configuration.camera.device
    if demo:
        backend = "scene"
    elif backend == "auto" and device is not None:
        backend = "picamera2" if device.isdecimal() else "v4l2"
    if backend == "scene":
        return _scene(configuration, clock)
    if backend == "stream":
        assert configuration.camera.url is not None
        watched = configuration.camera.detect_url is None
        return _stream(configuration, configuration.camera.url, clock, kept=True, watched=watched, hurry=hurry)
    if backend == "picamera2":
        return _picamera2(configuration, device or "0", clock)
    if backend == "v4l2" and device is not None:
        return _v4l2(configuration, device, clock)
    return FoundLater(configuration, clock)


def detection_camera_for(
    configuration: CameraConfiguration, clock: Clock, *, hurry: Callable[[], bool] | None = None
) -> Camera | None:
    """The second, smaller stream that is watched for movement, if the configuration names one; `hurry` as above."""
    url = configuration.camera.detect_url
    return _stream(configuration, url, clock, kept=False, watched=True, hurry=hurry) if url else None


class FoundLater:
    """The best camera that the machine has at the moment of opening."""

    kind = "auto"

    def __init__(self, configuration: CameraConfiguration, clock: Clock) -> None:
        self._configuration = configuration
        self._clock = clock
        self._found: FoundCamera | None = None
        self._camera: Camera | None = None

    @property
    def label(self) -> str:
        return self._camera.label if self._camera else "the best camera of this machine"

    def run(self, sink: Sink, stop: threading.Event) -> None:
        from pi_sec_cam.camera.discover import best

        only = "v4l2" if self._configuration.camera.backend == "v4l2" else None
        found = best(kind=only)
        if found is None:
            what = "no webcam" if only else "neither a Pi camera nor a webcam"
            raise SourceAway(
                f"{what} is there: connect one (it is taken as soon as it is), or name a stream in camera.url; "
                "`pi-sec-cam devices` shows what was found, `pi-sec-cam run --demo` shows a rendered scene"
            )
        # The same camera again goes on with its own count of epochs.
        if self._camera is None or self._found is None or found.device != self._found.device:
            log.info("%s: found %s (%s)", self._configuration.cam_name, found.name, found.device)
            make = _picamera2 if found.kind == "picamera2" else _v4l2
            self._camera = make(self._configuration, found.device, self._clock)
            self._found = found
        self._camera.run(sink, stop)

    def describe(self) -> dict[str, object]:
        return {"backend": self._camera.kind, **self._camera.describe()} if self._camera else {}


def _scene(configuration: CameraConfiguration, clock: Clock) -> Camera:
    from pi_sec_cam.camera.scene import SceneCamera, SceneSettings

    width, height = configuration.video_size
    said = configuration.camera.scene
    switches = {name: getattr(said, name) for name in type(said).model_fields if name != "duration_s"}
    return SceneCamera(
        width=width,
        height=height,
        frame_rate=configuration.framerate,
        settings=SceneSettings(**switches),
        pace=configuration.camera.pace,
        at_end=configuration.camera.at_end,
        duration_s=said.duration_s,
        bitrate=configuration.camera.bitrate,
        overlay=overlay_text(configuration, clock),
        clock=clock,
    )


def _stream(
    configuration: CameraConfiguration,
    url: str,
    clock: Clock,
    *,
    kept: bool,
    watched: bool,
    hurry: Callable[[], bool] | None,
) -> Camera:
    from pi_sec_cam.camera.stream import StreamCamera

    # No two pictures that detection wants at one go: it would see the second alone.
    read_every_s = min(_WATCHED_READ_EVERY_S, 1 / configuration.motion.fps) if watched else _KEPT_READ_EVERY_S
    if watched and hurry is not None:
        read_every_s = min(read_every_s, _SENT_READ_EVERY_S)
    return StreamCamera(
        url,
        pace=configuration.camera.pace,
        at_end=configuration.camera.at_end,
        bitrate=configuration.camera.bitrate,
        overlay=overlay_text(configuration, clock) if kept else None,
        read_every_s=read_every_s,
        hurry=hurry or (lambda: False),
        clock=clock,
    )


def _v4l2(configuration: CameraConfiguration, device: str, clock: Clock) -> Camera:
    from pi_sec_cam.camera.v4l2 import V4l2Camera

    width, height = configuration.video_size
    return V4l2Camera(
        device,
        width=width,
        height=height,
        frame_rate=configuration.framerate,
        rotation=configuration.rotation_for("v4l2"),
        format=configuration.camera.format,
        bitrate=configuration.camera.bitrate,
        overlay=overlay_text(configuration, clock),
        clock=clock,
    )


def _picamera2(configuration: CameraConfiguration, device: str, clock: Clock) -> Camera:
    from pi_sec_cam.camera.picamera2 import Picamera2Camera

    width, height = configuration.video_size
    return Picamera2Camera(
        index=int(device),
        width=width,
        height=height,
        frame_rate=configuration.framerate,
        rotation=configuration.rotation_for("picamera2"),
        bitrate=configuration.camera.bitrate,
        overlay=overlay_text(configuration, clock),
        clock=clock,
    )
