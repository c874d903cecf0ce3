"""Configuration of where pictures and sound come from: camera, scene, audio."""

from typing import Annotated, Literal

from pydantic import Field

from pi_sec_cam.config.addresses import SourceAddress
from pi_sec_cam.config.values import Section, Text, Unit


class Scene(Section):
    """The rendered yard of backend "scene": for trying things out without a camera, and for tests."""

    light: Annotated[
        Literal["day", "dusk", "night"], Field(description="The time of day; night is as an infrared camera sees it")
    ] = "day"
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, description="The same seed gives the same pictures")] = 1
    people: Annotated[bool, Field(description="People walk through the yard")] = True
    cat: Annotated[bool, Field(description="A cat strays through the yard")] = True
    headlights: Annotated[bool, Field(description="A passing car's headlights sweep over the yard")] = False
    parking_car: Annotated[bool, Field(description="A car drives in and parks")] = False
    leaves: Annotated[bool, Field(description="Leaves sway")] = True
    rain: Annotated[bool, Field(description="It rains")] = False
    clouds: Annotated[bool, Field(description="Shadows of clouds pass slowly")] = True
    insects: Annotated[bool, Field(description="Insects fly close to the lamp, at night")] = False
    exposure_steps: Annotated[bool, Field(description="The brightness of the whole picture jumps now and then")] = False
    duration_s: Annotated[
        float | None,
        Field(gt=0, le=86400, description="The length of one run through the scene; null means without end"),
        Unit("s"),
    ] = None


class Source(Section):
    """Which camera to watch."""

    backend: Annotated[
        Literal["auto", "picamera2", "v4l2", "stream", "scene"],
        Field(
            description='"auto" takes the Pi camera, else a V4L2 camera (USB webcam); "stream" is a camera on the '
            'network or a file; "scene" a rendered yard'
        ),
    ] = "auto"
    url: Annotated[
        SourceAddress | None,
        Field(
            repr=False,
            description='What to watch with backend "stream": rtsp://user:password@host/path, http(s), or a file',
        ),
    ] = None
    detect_url: Annotated[
        SourceAddress | None,
        Field(
            repr=False,
            description="A second, smaller stream of the same camera, to look for movement in; saves much computing",
        ),
    ] = None
    device: Annotated[
        Text | None,
        Field(
            description="Which local camera, as `pi-sec-cam devices` names it (/dev/video0, a Pi camera's number); "
            "null takes the first that works"
        ),
    ] = None
    format: Annotated[
        Literal["H264", "HEVC", "YU12", "YM12", "NV12", "NM12", "YUYV", "UYVY", "MJPG", "JPEG"] | None,
        Field(
            description="The format that a webcam is to deliver, as `pi-sec-cam devices` shows it; null takes video "
            "that the webcam encodes by itself (H264, HEVC) where it has any, else whatever suits best"
        ),
    ] = None
    pace: Annotated[
        Literal["realtime", "fast"],
        Field(description='How to play a file or the scene: as it happened, or as fast as the machine can ("fast")'),
    ] = "realtime"
    at_end: Annotated[
        Literal["loop", "exit"],
        Field(description="What to do at the end of a file or of the scene: begin again, or end the program"),
    ] = "loop"
    bitrate: Annotated[
        int | None,
        Field(
            ge=50_000,
            le=100_000_000,
            description="The rate of the video where it is encoded here; null chooses by size and framerate",
        ),
        Unit("bit/s"),
    ] = None
    scene: Annotated[Scene, Field(default_factory=Scene, description='What happens with backend "scene"')]


class Audio(Section):
    """Sound from a microphone, recorded with the video."""

    enabled: Annotated[bool, Field(description="Whether sound is recorded")] = False
    device: Annotated[
        Text | None, Field(description="The microphone's name, or a part of it; null takes the system's default")
    ] = None
    offset_ms: Annotated[
        int,
        Field(ge=-5000, le=5000, description="Moves the sound against the picture: above 0 it is heard later"),
        Unit("ms"),
    ] = 0
