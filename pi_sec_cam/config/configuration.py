"""The whole configuration file as one value, and what it means for each of its cameras."""

from typing import Annotated, TypeVar

from pydantic import Field

from pi_sec_cam.config.machine import InfraredController, Location, Remote, Server, Servo
from pi_sec_cam.config.offsite import Dropbox, Evidence, Store
from pi_sec_cam.config.recording import Formats, Motion, Storage
from pi_sec_cam.config.source import Audio, Source
from pi_sec_cam.config.values import FolderName, Rotation, Section, Unit, VideoSize

S = TypeVar("S", bound=Section)


class CameraConfiguration(Section):
    """Everything that one camera needs to know of the configuration."""

    cam_name: Annotated[
        FolderName,
        Field(
            examples=["Front door"],
            description="The camera's name: in the picture, and as the folder of its recordings",
        ),
    ] = "PiSecCam"
    framerate: Annotated[
        float, Field(ge=1, le=120, description="Pictures a second; a stream keeps its own"), Unit("1/s")
    ] = 20
    rotation: Annotated[
        Rotation,
        Field(
            description="How to turn the picture; null is 180 for a Pi camera and 0 for all others; "
            "a stream cannot be turned",
        ),
    ] = None
    video_size: Annotated[VideoSize, Field(description="The size of the video; a stream keeps its own")] = (1280, 720)
    camera: Annotated[Source, Field(default_factory=Source, description="Which camera to watch")]
    motion: Annotated[Motion, Field(default_factory=Motion, description="When movement becomes an event")]
    formats: Annotated[Formats, Field(default_factory=Formats, description="How dates are written")]
    audio: Annotated[Audio, Field(default_factory=Audio, description="Sound")]
    servos: Annotated[
        tuple[Servo, ...], Field(strict=False, max_length=16, description="Servos that turn or cover the camera")
    ] = (Servo(board_pin=7),)
    infrared_controller: Annotated[
        InfraredController,
        Field(default_factory=InfraredController, description="Infrared light and brightness sensor"),
    ]

    def rotation_for(self, backend: str) -> int:
        """Degrees to turn the picture of a camera of this kind (never "auto"): 180 by default for picamera2 alone."""
        if self.rotation is not None:
            return self.rotation
        return 180 if backend == "picamera2" else 0


class CameraEntry(CameraConfiguration):
    """One of several cameras: its own values; all others are those of the top level."""

    cam_name: Annotated[
        FolderName, Field(examples=["Front door"], description="The camera's name, different from all others")
    ]


class Configuration(CameraConfiguration):
    """The configuration file."""

    schema_: Annotated[
        str | None,
        Field(
            alias="$schema",
            max_length=1000,
            description="Where an editor finds the schema of this file; not used otherwise",
        ),
    ] = None
    storage: Annotated[Storage, Field(default_factory=Storage, description="Where recordings are kept")]
    dropbox: Annotated[Dropbox, Field(default_factory=Dropbox, description="Dropbox, chunks and sealing")]
    stores: Annotated[tuple[Store, ...], Field(strict=False, max_length=16, description="Further places off-site")] = ()
    evidence: Annotated[
        Evidence, Field(default_factory=Evidence, description="What shows that footage is whole, beside the signature")
    ]
    server: Annotated[Server, Field(default_factory=Server, description="The command server")]
    location: Annotated[Location, Field(default_factory=Location, description="Where the machine stands")]
    remotes: Annotated[
        tuple[Remote, ...], Field(strict=False, max_length=64, description="Cameras on other machines")
    ] = ()
    cameras: Annotated[
        tuple[CameraEntry, ...],
        Field(
            strict=False,
            max_length=32,
            description="Several cameras in one process, one object each: cam_name and what differs from the top level",
        ),
    ] = ()

    def cameras_resolved(self) -> tuple[CameraConfiguration, ...]:
        """One configuration for each camera: the only one of the top level, or each of `cameras` over the top level.

        Servos and an infrared controller belong to one camera. The first generation's defaults for them hold
        only for a file without `cameras`; with `cameras`, there are those that the file names.
        """
        if not self.cameras:
            return (self._shared(),)
        return tuple(_over(self._shared(entry), entry) for entry in self.cameras)

    def _shared(self, entry: CameraEntry | None = None) -> CameraConfiguration:
        """What the top level says of every camera; for an entry, without devices that nobody named."""
        values = {name: getattr(self, name) for name in CameraConfiguration.model_fields}
        if entry is not None:
            named = self.model_fields_set | entry.model_fields_set
            if "servos" not in named:
                values["servos"] = ()
            if "infrared_controller" not in named:
                values["infrared_controller"] = InfraredController(enabled=False)
        return CameraConfiguration.model_construct(**values)


def _over(base: S, own: Section) -> S:
    """A copy of `base` with the keys that were written in `own`; sections are merged key by key, lists replaced."""
    written = {name: getattr(own, name) for name in own.model_fields_set}
    merged = {
        name: _over(getattr(base, name), value) if isinstance(value, Section) else value
        for name, value in written.items()
    }
    return base.model_copy(update=merged)
