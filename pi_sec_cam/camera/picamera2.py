"""A camera on a Raspberry Pi's camera connector, by picamera2, which is imported here alone and only when used."""

import contextlib
import logging
import os
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

from pi_sec_cam.camera import v4l2_kernel
from pi_sec_cam.camera.picamera2_session import Session, Size
from pi_sec_cam.camera.protocol import Sink
from pi_sec_cam.clock import Clock, SystemClock
from pi_sec_cam.errors import SourceAway, SourceUnusable

log = logging.getLogger(__name__)

INSTALL = (
    "install it with `sudo apt install python3-picamera2`, and make .venv with the system's packages (`make setup`)"
)
# What an import raises when the library is there but does not fit the rest: a libcamera or NumPy of another version.
_IMPORT_FAULTS = (ImportError, OSError, ValueError, AttributeError, RuntimeError)
_HARDWARE_ENCODER = Path("/dev/video11")
_SILENCE_US = 5_000_000
_DETECTION_WIDTH = 640
_WAIT_S = 0.25
_BUFFERS = 4
_BITS_PER_PIXEL = 0.1


class Picamera2Camera:
    """Two streams from the sensor: a large one to the encoder, a small one for detection.

    Args:
        index: which camera, from 0.
        width, height, frame_rate: of the recording.
        rotation: 0 or 180 degrees, done by the sensor.
        bitrate: bits a second; None: 0.1 bit a pixel.
        overlay: the text to draw for a picture's time in microseconds, None for none.
    """

    kind = "picamera2"

    def __init__(
        self,
        *,
        index: int = 0,
        width: int,
        height: int,
        frame_rate: float,
        rotation: int = 0,
        bitrate: int | None = None,
        overlay: Callable[[int], str] | None = None,
        clock: Clock | None = None,
    ) -> None:
        if rotation not in {0, 180}:
            raise ValueError(f"a picture can be turned by 0 or 180 degrees, not {rotation}")
        self.label = f"Pi camera {index}"
        self._index = index
        self._size = (width, height)
        self._frame_rate = frame_rate
        self._rotation = rotation
        self._bitrate = bitrate or max(100_000, round(width * height * frame_rate * _BITS_PER_PIXEL))
        self._overlay = overlay
        self._clock = clock or SystemClock()
        self._epoch = -1
        self._said: dict[str, object] = {}
        self._session: Session | None = None

    def run(self, sink: Sink, stop: threading.Event) -> None:
        self._epoch += 1
        library = load_library()
        with contextlib.ExitStack() as held:
            camera = self._open(library)
            held.callback(camera.close)
            main, small = self._configure(camera)
            session = Session(
                sink=sink,
                epoch=self._epoch,
                frame_rate=self._frame_rate,
                main=main,
                small=small,
                planar=camera.camera_configuration()["main"]["format"] == "YUV420",
                overlay=self._overlay,
                mapped=library.MappedArray,
                clock=self._clock,
            )
            self._session = session
            encoder = self._encoder()
            camera.pre_callback = session.picture
            try:
                camera.start_encoder(encoder, _tap(encoder, session), name="main")
                held.callback(camera.stop_encoder, encoder)
                camera.start()
                held.callback(camera.stop)
            except (RuntimeError, OSError) as error:
                raise SourceAway(f"{self.label} does not start: {cause_of(error)}") from error
            self._watch(session, stop)

    def describe(self) -> dict[str, object]:
        return {**self._said, "pictures": self._session.units if self._session else 0}

    def _watch(self, session: Session, stop: threading.Event) -> None:
        """The library's threads do the work; this one sees to it that they do."""
        while not stop.wait(_WAIT_S):
            if session.fault:
                raise session.fault
            if self._clock.monotonic_us() - session.heard_us > _SILENCE_US:
                # libcamera's own "Camera frontend has timed out" shows only in its log.
                raise SourceAway(f"{self.label} has delivered no picture for {_SILENCE_US // 1_000_000} s")

    def _open(self, library: ModuleType) -> Any:
        listed = library.Picamera2.global_camera_info()
        if self._index >= len(listed):
            raise SourceAway(
                f"no Pi camera {self._index}, but {len(listed)} in all: is the ribbon cable seated at both ends, with "
                "its contacts the right way round? `pi-sec-cam devices` lists what is there"
            )
        self._said = {"name": listed[self._index]["Model"]}
        try:
            return open_camera(library, self._index)
        except RuntimeError as error:
            raise SourceAway(
                f"{self.label} cannot be opened ({cause_of(error)}); does another program use it?"
            ) from error

    def _configure(self, camera: Any) -> tuple[Size, Size]:
        """Both streams' sizes, as they are in the end: the library rounds them to what the hardware takes."""
        from libcamera import Transform

        width, height = self._size
        small = (min(width, _DETECTION_WIDTH), round(height * min(1.0, _DETECTION_WIDTH / width) / 2) * 2)
        turned = self._rotation == 180
        interval_us = round(1e6 / self._frame_rate)
        wanted = camera.create_video_configuration(
            main={"size": self._size, "format": "YUV420"},
            lores={"size": small, "format": "YUV420"},
            raw=None,
            transform=Transform(hflip=turned, vflip=turned),
            buffer_count=_BUFFERS,
            queue=False,
            controls={"FrameDurationLimits": (interval_us, interval_us)},
        )
        try:
            camera.configure(wanted)
        except RuntimeError as error:
            raise SourceUnusable(f"{self.label} refuses {width}×{height}: {error}") from error
        except OSError as error:
            raise SourceAway(f"no memory for {_BUFFERS} pictures of {width}×{height}: {error.strerror}") from error
        settled = camera.camera_configuration()
        main, small = settled["main"]["size"], settled["lores"]["size"]
        self._said |= {"width": main[0], "height": main[1], "frame_rate": self._frame_rate}
        if main != self._size:
            self._said["note"] = f"{main[0]}×{main[1]} instead of {width}×{height}, as the hardware needs it"
            log.warning("%s: %s", self.label, self._said["note"])
        return main, small

    def _encoder(self) -> Any:
        """The Pi's own encoder where it has one (up to the Pi 4), else libx264; a keyframe every second."""
        # By name: what picamera2.encoders calls H264Encoder depends on which video devices exist.
        options = {"bitrate": self._bitrate, "repeat": True, "iperiod": max(1, round(self._frame_rate))}
        if _has_hardware_encoder():
            from picamera2.encoders.h264_encoder import H264Encoder

            self._said["encoder"] = "hardware"
            return H264Encoder(framerate=self._frame_rate, **options)
        from picamera2.encoders.libav_h264_encoder import LibavH264Encoder

        self._said["encoder"] = "software"
        encoder = LibavH264Encoder(framerate=Fraction(self._frame_rate).limit_denominator(1001), **options)
        encoder.preset = (
            "superfast"  # picamera2's own choice, "ultrafast", needs clearly more bits for the same picture
        )
        encoder.threads = 1 if self._size[0] * self._size[1] <= 1280 * 720 else 2
        return encoder


def load_library() -> ModuleType:
    """picamera2, which takes a second to import.

    Raises:
        SourceUnusable: it is not installed or does not work, and what to do about it.
    """
    # libcamera writes to stderr by itself, some lines at each start; only its warnings are wanted.
    os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:WARN")
    try:
        import picamera2
    except ModuleNotFoundError as error:
        if error.name == "picamera2":
            raise SourceUnusable(f"picamera2 is not installed: {INSTALL}") from error
        raise SourceUnusable(f"picamera2 lacks {error.name}: {INSTALL}") from error
    except _IMPORT_FAULTS as error:
        raise SourceUnusable(f"picamera2 is installed but does not work ({error}): {INSTALL}") from error
    module: ModuleType = picamera2
    return module


def open_camera(library: ModuleType, index: int) -> Any:
    """A Picamera2 for a camera's number; raises RuntimeError where it cannot be had."""
    # In two steps, because its constructor leaves a pipe open when it fails, and we try again for ever.
    camera = library.Picamera2.__new__(library.Picamera2)
    try:
        camera.__init__(index)
    except RuntimeError:
        if hasattr(camera, "notifyme_w"):
            camera.notifymeread.close()
            os.close(camera.notifyme_w)
        raise
    return camera


def cause_of(error: Exception) -> str:
    """picamera2 wraps what libcamera said."""
    return str(error.__cause__ or error)


def _tap(encoder: Any, session: Session) -> Any:
    from picamera2.outputs import Output

    class Tap(Output):  # type: ignore[misc]
        """Hands units on at once; the encoder counts from its first picture, whose sensor time it keeps."""

        def outputframe(self, frame: Any, keyframe: bool = True, timestamp: int = 0, *_: Any) -> None:
            session.encoded(bytes(frame), keyframe, encoder.firsttimestamp + timestamp)

    return Tap()


def _has_hardware_encoder() -> bool:
    try:
        fd = v4l2_kernel.open_device(_HARDWARE_ENCODER)
    except OSError:
        return False
    try:
        return v4l2_kernel.identify(fd).driver == "bcm2835-codec"
    except OSError:
        return False
    finally:
        os.close(fd)
