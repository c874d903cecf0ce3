"""One camera: composes source, ring, detection and recording, and stops them in order."""

import logging
from collections.abc import Callable

from pi_sec_cam.camera.source_fault import is_live
from pi_sec_cam.camera.supervisor import CameraSupervisor
from pi_sec_cam.clock import Clock
from pi_sec_cam.config import CameraConfiguration
from pi_sec_cam.media.decoder import FrameDecoder
from pi_sec_cam.media.frame import FrameSlot
from pi_sec_cam.media.ring import Ring
from pi_sec_cam.motion.detector import Detector
from pi_sec_cam.motion.event import EventEnded, EventMachine, EventStarted
from pi_sec_cam.motion.pacer import FramePacer
from pi_sec_cam.motion.watcher import Watcher
from pi_sec_cam.node.sinks import NodeSink
from pi_sec_cam.node.sources import camera_for, detection_camera_for
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.recorder import Recorder
from pi_sec_cam.worker import Worker

log = logging.getLogger(__name__)

# Looked back further than the pre-roll: an event is known some pictures after it began (minimum time of movement,
# detection's own delay), and the recorder may be busy with the event before.
_SLACK_S = 4.0
_RING_BYTES = 64 << 20
_DETECT_RING_BYTES = 8 << 20


class Node:
    """A camera that watches and records.

    `start_source` and `start_recording` are apart, so that video is kept from the first moment while the
    catalogue is still being opened.

    Args:
        keep: takes each finished event's record.
        demo: watch the rendered scene instead of the configured camera.

    Attributes:
        recorder: stopped last.
    """

    def __init__(
        self,
        configuration: CameraConfiguration,
        *,
        archive: Archive,
        keep: Callable[[EventRecord], None],
        clock: Clock,
        demo: bool = False,
    ) -> None:
        self.name = configuration.cam_name
        motion = configuration.motion
        said = configuration.camera
        # A script that plays a file to its end waits in vain for a file that is missing or no video.
        self._gives_up = said.at_end == "exit" and said.url is not None and not is_live(said.url)
        camera = camera_for(configuration, clock, demo=demo)
        detection_camera = None if demo else detection_camera_for(configuration, clock)
        look_back_s = max(motion.rec_sec_before, motion.rec_sec_after) + _SLACK_S
        self._ring = Ring(seconds=look_back_s, max_bytes=_RING_BYTES)
        self._detect_ring = Ring(seconds=1, max_bytes=_DETECT_RING_BYTES) if detection_camera else self._ring
        self._slot = FrameSlot()
        due = FramePacer(motion.fps).due
        # Only streams have to be decoded; all other cameras deliver frames themselves.
        self._decoder = (
            FrameDecoder(f"decoder of {self.name}", self._detect_ring.cursor(), self._slot, due=due, clock=clock)
            if camera.kind == "stream"
            else None
        )
        caught_up = self._decoder.wait_drained if self._decoder else None
        own = detection_camera is None
        self._sink = NodeSink(
            self._ring, self._slot, frame_due=due if own else None, caught_up=caught_up if own else None
        )
        self._source = CameraSupervisor(
            camera, self._sink, name=f"camera {self.name}", clock=clock, on_end=self.finish_source
        )
        self._detection_source = None
        if detection_camera is not None:
            detect_sink = NodeSink(self._detect_ring, self._slot, frame_due=due, caught_up=caught_up)
            self._detection_source = CameraSupervisor(
                detection_camera, detect_sink, name=f"detection stream of {self.name}", clock=clock
            )
        self.recorder = Recorder(camera=self.name, ring=self._ring, archive=archive, keep=keep, clock=clock)
        self._watcher = Watcher(
            f"watcher of {self.name}",
            slot=self._slot,
            detector=Detector(
                min_trigger_area=motion.min_trigger_area,
                min_pixel_delta_trigger=motion.min_pixel_delta_trigger,
                zones=motion.zones,
                masks=motion.masks,
            ),
            machine=EventMachine(
                rec_sec_before=motion.rec_sec_before,
                rec_sec_after=motion.rec_sec_after,
                max_event_time=motion.max_event_time,
            ),
            listeners=[self.recorder.on_event, self._tell],
            clock=clock,
        )

    def start_source(self) -> None:
        """Begin to watch; events wait until `start_recording`."""
        for worker in (self._source, self._detection_source, self._decoder, self._watcher):
            if worker is not None:
                worker.start()

    def start_recording(self) -> None:
        """Begin to write to the archive."""
        self.recorder.start()

    def check_end(self) -> None:
        """Called now and then: when the source has come to its end, recording ends after it."""
        if self.recorder.alive and not self._watcher.alive and self._source.ended:
            self.recorder.stop()

    @property
    def ended(self) -> bool:
        """The source came to its end, and all of it is recorded."""
        return self._source.ended and not self._watcher.alive and not self.recorder.alive

    @property
    def failure(self) -> str | None:
        """What makes it impossible to go on, for the daemon to end with."""
        for worker in (*self.sources, *self.watching, self.recorder):
            if worker.fault is not None:
                return f"{worker.name} failed: {worker.fault!r}; the log has more"
        for given_up in (source.given_up for source in (self._source, self._detection_source) if source):
            if given_up is not None:
                return given_up
        source = self._source.status()
        if self._gives_up and not source["pictures"] and source["state"] in {"away", "unusable"}:
            return str(source["detail"])
        return None

    @property
    def sources(self) -> list[Worker]:
        """What delivers pictures: stopped first."""
        return [worker for worker in (self._source, self._detection_source) if worker]

    @property
    def watching(self) -> list[Worker]:
        """What looks at them: stopped next, which ends a running event."""
        return [worker for worker in (self._decoder, self._watcher) if worker]

    def finish_source(self) -> None:
        """There are no more pictures, readers get what is left: at the source's own end, and after a stop of it."""
        self._ring.finish()
        self._detect_ring.finish()
        if self._decoder is None:  # which does it else
            self._slot.finish()

    def problems(self) -> list[str]:
        """What does not work, in words."""
        found = []
        for source in (self._source, self._detection_source):
            if source is not None and (trouble := source.trouble()):
                found.append(f"{source.name}: {trouble}")
        if self.recorder.trouble is not None:
            found.append(f"{self.name}: {self.recorder.trouble}")
        return found

    def status(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "running": self._source.alive,
            "source": self._source.status(),
            "detection_source": self._detection_source.status() if self._detection_source else None,
            "first_pts_us": self._sink.first_pts_us,
            "ring": self._ring.held(),
            "motion": self._watcher.describe(),
            "recorder": self.recorder.status(),
            "decoder": self._decoder.status() if self._decoder else None,
        }

    def _tell(self, event: EventStarted | EventEnded) -> None:
        if isinstance(event, EventStarted):
            log.info("%s: movement, event %d", self.name, event.number)
        else:
            log.info("%s: event %d ends (%s)", self.name, event.number, event.reason)
