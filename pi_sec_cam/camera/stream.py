"""A file or a network stream as a camera; video that is H.264 or H.265 is handed on untouched."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal

from pi_sec_cam.camera.address import without_password
from pi_sec_cam.camera.demux import Received, Source
from pi_sec_cam.camera.lead_in import LeadIn
from pi_sec_cam.camera.passthrough import Passthrough
from pi_sec_cam.camera.protocol import Sink
from pi_sec_cam.camera.reading_pace import ReadingPace
from pi_sec_cam.camera.receiver import Receiver
from pi_sec_cam.camera.route import Counts, Route
from pi_sec_cam.camera.source_fault import is_live
from pi_sec_cam.camera.timeline import FileTimeline, LiveTimeline, Stamp
from pi_sec_cam.clock import Clock, SystemClock
from pi_sec_cam.errors import SourceAway, SourceUnusable
from pi_sec_cam.media.access_unit import Codec

log = logging.getLogger(__name__)

_CODECS: dict[str, Codec] = {"h264": "h264", "hevc": "h265"}
_WAIT_S = 0.1
_IDLE_S = 1.0  # a stop does not wait for it, a lost connection does
# When more packets than this are waiting, pictures that have to be encoded are left out.
_LATE_PACKETS = 30
_MOST_RECEIVERS = 8


class StreamCamera:
    """Plays a file, or receives what a network camera sends.

    Args:
        url: a path, or an address (rtsp, rtsps, http, https, file); it may hold user name and password.
        pace: of a file: "realtime" as its timestamps say, "fast" as its readers follow.
        at_end: of a file: "loop" plays it again, "exit" returns.
        overlay: the text to draw for a picture's media time; only where pictures have to be encoded here.
        bitrate: bits a second where pictures have to be encoded here, None for the encoder's own choice.
        read_every_s: of a live source: how long its pictures may wait to be read together.
        hurry: whether at the moment they may not; asked for each.
        first_epoch: of the first run's access units.
    """

    kind = "stream"

    def __init__(
        self,
        url: str,
        *,
        pace: Literal["realtime", "fast"] = "realtime",
        at_end: Literal["loop", "exit"] = "loop",
        overlay: Callable[[int], str] | None = None,
        bitrate: int | None = None,
        clock: Clock | None = None,
        read_every_s: float = 0.2,
        hurry: Callable[[], bool] = lambda: False,
        first_epoch: int = 0,
    ) -> None:
        self._url = url
        self.label = without_password(url)
        self._live = is_live(url)
        self._fast = pace == "fast"
        self._loops = at_end == "loop"
        self._read_every_s = read_every_s
        self._hurry = hurry
        self._overlay = overlay
        self._bitrate = bitrate
        self._clock = clock or SystemClock()
        self._live_time = LiveTimeline(first_epoch)
        self._file_time = FileTimeline(first_epoch)
        # Written by the camera's thread alone, read by whoever asks for the status.
        self._counts: Counts = Counter(pictures=0)
        self._route: Route | None = None
        self._note = ""
        self._receivers: list[Receiver] = []  # connections that have not ended yet

    def run(self, sink: Sink, stop: threading.Event) -> None:
        if self._live:
            self._receive(sink, stop)
        else:
            self._play(sink, stop)

    def describe(self) -> dict[str, object]:
        info = self._route.info if self._route else None
        timeline = self._live_time if self._live else self._file_time
        said: dict[str, object] = {"source": self.label}
        if info:
            said |= {"codec": info.codec, "width": info.width, "height": info.height, "frame_rate": info.frame_rate}
        if self._note:
            said["note"] = self._note
        return said | dict(self._counts) | {"time_jumps": timeline.jumps, "times_guessed": timeline.guessed}

    def _receive(self, sink: Sink, stop: threading.Event) -> None:
        # A connection that is given up lasts until FFmpeg lets go of it: 20 s at most, else there is something wrong.
        self._receivers = [receiver for receiver in self._receivers if receiver.alive]
        if len(self._receivers) >= _MOST_RECEIVERS:
            raise SourceAway(f"{self.label} is not asked: {_MOST_RECEIVERS} former connections to it still hang")
        receiver = Receiver(self._url, f"receiver of {self.label}", self._clock)
        self._receivers.append(receiver)
        receiver.start()
        try:
            while (source := receiver.opened(_WAIT_S)) is None:
                if stop.is_set():
                    return
            timeline = self._live_time
            timeline.begin(source.frame_rate)
            route = self._choose_route(source, None, lambda: receiver.waiting > _LATE_PACKETS)
            lead_in = LeadIn(live=True, interval_us=timeline.interval_us)

            def deliver(passed: Sequence[Received]) -> None:
                for received in passed:
                    if received.pts_us is not None:
                        timeline.observe(received.pts_us, received.arrival_us)
                for received in passed:
                    route.take(received, timeline.place, sink)

            def take(received: Received) -> None:
                route.take(received, timeline.place, sink)

            pace = ReadingPace(self._read_every_s) if source.timed else None
            while not stop.is_set():
                try:
                    received = receiver.read(_WAIT_S)
                except SourceAway:
                    deliver(lead_in.rest())
                    raise
                deliver(lead_in.passed(received, self._clock.monotonic_us()))
                if lead_in.over and isinstance(route, Passthrough) and receiver.pass_to(take, pace, self._hurry):
                    break
            while not stop.wait(_IDLE_S):
                receiver.read(0)  # raises what the connection was lost by
        finally:
            receiver.stop()  # nobody waits for it: it ends as soon as FFmpeg lets go

    def _play(self, sink: Sink, stop: threading.Event) -> None:
        timeline, former = self._file_time, None
        while not stop.is_set():
            with Source(self._url, self._clock) as source:
                if former is None:
                    timeline.begin(source.frame_rate)
                else:
                    timeline.repeat()
                former = self._choose_route(source, former, lambda: False)
                self._play_once(source, former, sink, stop)
            if not self._loops:
                return

    def _play_once(self, source: Source, route: Route, sink: Sink, stop: threading.Event) -> None:
        def place(pts_us: int | None, dts_us: int | None, arrival_us: int) -> Stamp | None:
            if self._fast:
                sink.keep_pace(stop)  # until the readers are done with the former picture
            stamp = self._file_time.place(pts_us, dts_us, arrival_us)
            early_us = stamp.dts_us - self._clock.monotonic_us()
            if not self._fast and early_us > 0:
                stop.wait(early_us / 1e6)
            return None if stop.is_set() else stamp

        before, packets = self._counts["pictures"], 0
        lead_in = LeadIn(live=False, interval_us=self._file_time.interval_us)
        failure: SourceUnusable | None = None
        try:
            for received in source.packets():
                if stop.is_set():  # also while reading hung: the next run is under way then
                    return
                packets += 1
                for passed in lead_in.passed(received, received.arrival_us):
                    route.take(passed, place, sink)
        except SourceUnusable as error:
            failure = error
        if stop.is_set():
            return
        for passed in lead_in.rest():
            route.take(passed, place, sink)
        route.finish(place, sink)
        if stop.is_set():
            return
        if self._counts["pictures"] - before < 2:
            raise failure or SourceUnusable(f"{self.label} holds no video that can be played, or a single picture")
        if failure or packets < source.expected:
            self._counts["broken_off"] += 1
            log.warning(
                "%s is damaged or cut off; what could be read of it (%d pictures) was used", self.label, packets
            )

    def _choose_route(self, source: Source, former: Route | None, late: Callable[[], bool]) -> Route:
        decoder = source.decoder
        codec = _CODECS.get(decoder.name)
        if codec:
            passed = former if isinstance(former, Passthrough) else None
            self._route = Passthrough(codec, decoder.extradata, source.frame_rate, counts=self._counts, former=passed)
            return self._route
        from pi_sec_cam.camera.transcode import Transcoder  # brings OpenCV with it

        note = f"{decoder.name} has to be decoded and encoded again, which costs processor time"
        if note != self._note:
            self._note = note
            log.warning("%s: %s; %s", self.label, note, _REMEDY[self._live])
        self._route = Transcoder(
            decoder,
            source.frame_rate,
            bitrate=self._bitrate,
            overlay=self._overlay,
            late=late,
            counts=self._counts,
            former=former if isinstance(former, Transcoder) else None,
        )
        return self._route


_REMEDY = {
    True: "set the camera's stream to H.264 if it can do that",
    False: "convert the file to H.264 once if it is played often",
}
