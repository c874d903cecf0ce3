"""One camera: composes source, ring, detection and recording, and stops them in order."""

import logging
import threading
from collections.abc import Callable

from pi_sec_cam.camera.source_fault import is_live
from pi_sec_cam.camera.supervisor import CameraSupervisor
from pi_sec_cam.clock import Clock
from pi_sec_cam.config import CameraConfiguration
from pi_sec_cam.errors import SourceUnusable
from pi_sec_cam.media.decoder import FrameDecoder
from pi_sec_cam.media.frame import FrameSlot
from pi_sec_cam.media.ring import Ring
from pi_sec_cam.motion.detector import Detector
from pi_sec_cam.motion.event import EventEnded, EventMachine, EventStarted
from pi_sec_cam.motion.event_pictures import EventPictures
from pi_sec_cam.motion.event_reader import EventReaders
from pi_sec_cam.motion.pacer import FramePacer
from pi_sec_cam.motion.watcher import Watcher
from pi_sec_cam.node.sinks import DetectionSink, NodeSink
from pi_sec_cam.node.sources import camera_for, detection_camera_for
from pi_sec_cam.offsite.chunker import Chunker
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.recorder import Recorder
from pi_sec_cam.record.sealed_recorder import SealedRecorder
from pi_sec_cam.sending import Sending
from pi_sec_cam.worker import Worker

log = logging.getLogger(__name__)

# Looked back further than the pre-roll: an event is known some pictures after it began (minimum time of movement,
# detection's own delay), and the recorder may be busy with the event before.
_SLACK_S = 4.0
# Cameras that look for their exposure when they are switched on; a network camera is on already.
_SETTLE = {"picamera2": 3.0, "v4l2": 3.0, "auto": 3.0}
# These deliver frames for detection themselves; units of all others (a webcam may encode too) are decoded for it.
_DELIVER_FRAMES = {"picamera2", "scene"}


class Node:
    """A camera that watches and records.

    `start_source` and `start_recording` are apart, so that video is kept from the first moment while the
    catalogue is still being opened. `stop_source` and `start_source` may follow each other any number of times, from
    any thread: the user's stop and start.

    Args:
        ring_bytes: how much video waits in memory at most, while the disk does not take it.
        sending: takes what is to leave this machine; None where nothing does.
        keep: takes each event's record, when it begins and when it has ended.
        on_trouble: told when the disk refuses.
        demo: watch the rendered scene instead of the configured camera.

    Attributes:
        recorder, chunker: stopped last; there is no chunker where nothing leaves this machine.
        running: whether the user wants it to watch.
    """

    def __init__(
        self,
        configuration: CameraConfiguration,
        *,
        archive: Archive,
        ring_bytes: int,
        sending: Sending | None,
        keep: Callable[[EventRecord], None],
        on_trouble: Callable[[OSError], None],
        clock: Clock,
        demo: bool = False,
    ) -> None:
        self.name = configuration.cam_name
        self.running = False
        self.chunker: Chunker | None = None
        self._clock = clock
        self._control = threading.Lock()  # one start or stop at a time
        motion = configuration.motion
        said = configuration.camera
        # A script that plays a file to its end waits in vain for a file that is missing or no video.
        self._gives_up = said.at_end == "exit" and said.url is not None and not is_live(said.url)
        hurry = self._hurries if sending is not None else None
        self._camera = camera_for(configuration, clock, demo=demo, hurry=hurry)
        self._detection_camera = None if demo else detection_camera_for(configuration, clock, hurry=hurry)
        look_back_s = max(motion.rec_sec_before, motion.rec_sec_after) + _SLACK_S
        self._ring = Ring(seconds=look_back_s, max_bytes=ring_bytes)
        apart = self._detection_camera is not None
        self._slot = FrameSlot()
        due = FramePacer(motion.fps).due
        self._decoder = (
            None
            if apart or self._camera.kind in _DELIVER_FRAMES
            else FrameDecoder(f"decoder of {self.name}", self._ring.cursor(), self._slot, due=due, clock=clock)
        )
        self._sink = NodeSink(
            self._ring,
            self._slot,
            frame_due=None if apart else due,
            caught_up=self._decoder.wait_drained if self._decoder else None,
        )
        detects_live = said.detect_url is not None and is_live(said.detect_url)
        self._detect_sink = DetectionSink(self._slot, due=due, live=detects_live, clock=clock) if apart else None
        self._decodes = self._decoder or self._detect_sink
        self._source = self._new_source()
        self._detection_source = self._new_detection_source()
        pictures, readers = EventPictures(self._ring), EventReaders(self._ring, clock)
        self.recorder: Recorder | SealedRecorder = (
            SealedRecorder(
                camera=self.name,
                archive=archive,
                keep=keep,
                # In the order of the flow: what the chunker has handed over, the outbox has.
                pending=lambda: self.chunker is None or self.chunker.busy or sending.writing,
                clock=clock,
                on_trouble=on_trouble,
            )
            if sending is not None and sending.sealed
            else Recorder(
                camera=self.name,
                readers=readers,
                archive=archive,
                picture=pictures.of,
                keep=keep,
                clock=clock,
                on_trouble=on_trouble,
            )
        )
        if sending is not None:
            self.chunker = sending.chunker(
                camera=self.name,
                readers=readers,
                picture=pictures.of,
                progress=self.recorder.progress,
                wished=lambda stamp: archive.folder_name(self.name, stamp),
            )
        self._watcher: Watcher = Watcher(
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
            listeners=[
                pictures.on_event,
                self.recorder.on_event,
                *([self.chunker.on_event] if self.chunker else []),
                self._tell,
            ],
            settle_seconds=_SETTLE.get(self._camera.kind, 0.0),
            clock=clock,
        )

    def start_source(self) -> None:
        """Begin to watch, or go on after `stop_source`; events wait until `start_recording`.

        Raises:
            SourceUnusable: the source, a file, has come to its end.
        """
        with self._control:
            if self.running:
                return
            if self._source.ended:
                raise SourceUnusable(f"{self.name}: its file has come to its end; it begins anew with the program")
            if self._source.stopping.is_set():
                self._source, self._detection_source = self._new_source(), self._new_detection_source()
            self.running = True
            for worker in (*self.sources, *self.watching):
                if not worker.started:
                    worker.start()

    def stop_source(self) -> None:
        """Look no more, until `start_source`: a running event ends, and what was seen is forgotten.

        Does not wait for the source; nothing that it may still deliver is taken.
        """
        with self._control:
            if not self.running:
                return
            self.running = False
            for source in self.sources:
                source.stop()
            self._watcher.pause()
            self._ring.clear()

    def start_recording(self) -> None:
        """Begin to write to the archive, and to send."""
        for worker in self.keeping:
            worker.start()

    def check_end(self) -> None:
        """Called now and then: when the source has come to its end, recording ends after it."""
        if not self._watcher.alive and self._source.ended:
            for worker in self.keeping:
                if worker.alive:
                    worker.stop()

    @property
    def ended(self) -> bool:
        """The source came to its end, and all of it is recorded."""
        return self._source.ended and not any(worker.alive for worker in (self._watcher, *self.keeping))

    @property
    def records(self) -> bool:
        """Whether an event runs, or is still being written."""
        return self._watcher.watched.state != "armed" or self.recorder.busy

    def overdue(self) -> list[str]:
        """The workers that run and have not got on for longer than they may."""
        return [worker.name for worker in (*self.sources, *self.watching, *self.keeping) if worker.overdue()]

    @property
    def failure(self) -> str | None:
        """What makes it impossible to go on, for the daemon to end with."""
        for worker in (*self.sources, *self.watching, *self.keeping):
            if worker.fault is not None:
                return f"{worker.name} failed: {worker.fault!r}; the log has more"
        for given_up in (source.given_up for source in (self._source, self._detection_source) if source):
            if given_up is not None:
                return given_up
        return None

    @property
    def hopeless(self) -> str | None:
        """Why a file that is to be played to its end does not even begin; None if it does, and for all else."""
        source = self._source
        if self._gives_up and not source.pictures and source.state in {"away", "unusable"}:
            return source.trouble()
        return None

    @property
    def sources(self) -> list[Worker]:
        """What delivers pictures: stopped first."""
        return [worker for worker in (self._source, self._detection_source) if worker]

    @property
    def watching(self) -> list[Worker]:
        """What looks at them: stopped next, which ends a running event."""
        return [worker for worker in (self._decoder, self._watcher) if worker]

    @property
    def keeping(self) -> list[Worker]:
        """What keeps them, here and elsewhere: stopped last."""
        return [worker for worker in (self.recorder, self.chunker) if worker]

    def finish_source(self) -> None:
        """There are no more pictures, readers get what is left: at the source's own end, and after a stop of it."""
        self._ring.finish()
        if self._decoder is None:  # which does it else
            self._slot.finish()

    def problems(self) -> list[str]:
        """What does not work, in words."""
        found = []
        for source in (self._source, self._detection_source):
            if self.running and source is not None and (trouble := source.trouble()):
                found.append(f"{source.name}: {trouble}")
        if self.running and self._decodes is not None and (trouble := self._decodes.trouble()):
            found.append(f"{self.name}: {trouble}")
        if self.recorder.trouble is not None:
            found.append(f"{self.name}: {self.recorder.trouble}")
        return found

    def status(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "name": self.name,
            "running": self.running,
            "source": {**self._source.status(), **({} if self.running else {"state": "stopped", "detail": ""})},
            "detection_source": self._detection_source.status() if self._detection_source else None,
            "first_pts_us": self._sink.first_pts_us,
            "ring": self._ring.held(),
            "motion": self._watcher.describe(),
            "recorder": self.recorder.status(),
            "chunker": self.chunker.status() if self.chunker else None,
            "decoder": self._decodes.status() if self._decodes else None,
        }

    def _hurries(self) -> bool:
        """Whether pictures are about to leave this machine, or will be if what moves becomes an event."""
        return self._watcher.alert

    def _new_source(self) -> CameraSupervisor:
        return CameraSupervisor(
            self._camera, self._sink, name=f"camera {self.name}", clock=self._clock, on_end=self.finish_source
        )

    def _new_detection_source(self) -> CameraSupervisor | None:
        if self._detection_camera is None or self._detect_sink is None:
            return None
        return CameraSupervisor(
            self._detection_camera, self._detect_sink, name=f"detection stream of {self.name}", clock=self._clock
        )

    def _tell(self, event: EventStarted | EventEnded) -> None:
        if isinstance(event, EventStarted):
            log.info("%s: movement, event %d", self.name, event.number)
        else:
            log.info("%s: event %d ends (%s)", self.name, event.number, event.reason)
