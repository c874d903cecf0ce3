"""Configuration of what is recorded and where it is kept: motion, formats, storage."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from pi_sec_cam.config.values import DatePattern, FolderPattern, LocalPath, Polygons, Section, Unit


class Motion(Section):
    """When movement becomes an event, and how much is recorded around it."""

    max_event_time: Annotated[
        float,
        Field(
            ge=1,
            le=86400,
            description="The longest single recording, counted from the trigger; movement that goes on is the next "
            "event, compared with a new base picture",
        ),
        Unit("s"),
    ] = 60
    min_trigger_area: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="How much of the picture must change to trigger, as a fraction (0.005 is half a per cent)",
        ),
    ] = 0.005
    min_pixel_delta_trigger: Annotated[
        int, Field(ge=0, le=255, description="How much the brightness of a pixel must change to count as changed")
    ] = 50
    rec_sec_after: Annotated[
        float, Field(ge=0, le=3600, description="How long to go on recording after the last movement"), Unit("s")
    ] = 8
    rec_sec_before: Annotated[
        float, Field(ge=0, le=600, description="How much from before the movement a recording contains"), Unit("s")
    ] = 8
    zones: Annotated[
        Polygons,
        Field(
            description="Where to look for movement; empty means everywhere. [0, 0] is the top left corner, "
            "[1, 1] the bottom right"
        ),
    ] = ()
    masks: Annotated[Polygons, Field(description="Where to ignore movement, also inside of zones")] = ()
    fps: Annotated[
        float,
        Field(ge=0.5, le=30, description="How often to look for movement, whatever the rate of the video"),
        Unit("1/s"),
    ] = 5


class Formats(Section):
    """How dates are written; the codes are those of strftime."""

    overlay_date_format: Annotated[
        DatePattern, Field(description="The date in the picture, after the camera's name")
    ] = "%Y-%m-%d %H:%M:%S"
    day_directory_format: Annotated[FolderPattern, Field(description="The folder of a day's events")] = "%Y-%m-%d"
    time_directory_format: Annotated[FolderPattern, Field(description="The folder of one event in that of its day")] = (
        "%H.%M.%S"
    )


class Storage(Section):
    """Where recordings are kept on this machine, and for how long (docs/storage.md). Locked events stay."""

    directory: Annotated[
        LocalPath,
        Field(
            validate_default=True,
            examples=["/var/lib/pi_sec_cam"],
            description="The folder of the recordings, the list of events and everything else that is kept",
        ),
    ] = Path("~/pi_sec_cam")
    max_bytes: Annotated[
        int | None,
        Field(
            ge=10_000_000,
            le=10**17,
            description="The most that recordings may take: the oldest events are deleted; null means as much as "
            "min_free_bytes leaves",
        ),
        Unit("bytes"),
    ] = None
    min_free_bytes: Annotated[
        int,
        Field(
            ge=0,
            le=10**17,
            description="How much of the disk stays free: the oldest events are deleted to make room",
        ),
        Unit("bytes"),
    ] = 1_000_000_000
    max_age_days: Annotated[
        float | None,
        Field(
            gt=0,
            le=36500,
            description="Events older than this are deleted; null means never for their age",
        ),
        Unit("days"),
    ] = None
    outbox_max_bytes: Annotated[
        int,
        Field(
            ge=10_000_000,
            le=10**17,
            description="How much may wait for each place off-site that does not take it: beyond that the oldest "
            "event's video is given up there, not here",
        ),
        Unit("bytes"),
    ] = 4_000_000_000
    outbox_max_age_days: Annotated[
        float | None,
        Field(
            gt=0,
            le=36500,
            description="How long it may wait there; null means as long as outbox_max_bytes allows",
        ),
        Unit("days"),
    ] = None
    sealed: Annotated[
        bool,
        Field(
            description="Whether recordings are kept sealed on this machine too (needs dropbox.public_pem_path): "
            "then only the owner's private key opens them"
        ),
    ] = False
