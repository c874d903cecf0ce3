"""Hands on H.264 and H.265 as it came, in canonical form."""

from pi_sec_cam.camera.demux import Received
from pi_sec_cam.camera.protocol import Sink
from pi_sec_cam.camera.route import Counts, Place
from pi_sec_cam.media.access_unit import AccessUnit, Codec, StreamInfo
from pi_sec_cam.media.h264 import Canonicaliser


class Passthrough:
    """Packets of one opened source → access units with the same coded pictures.

    Args:
        codec: of the source.
        extradata: what container or SDP know beforehand.
        frame_rate: nominal, for StreamInfo.
        counts: "pictures"; "left_out": packets without a whole picture, or before the first keyframe; "corrupt":
            delivered, though FFmpeg says that parts are missing; "refused_sets": damaged parameter sets.
        former: of the pass of the same file before this one; its StreamInfo goes on if nothing has changed.
    """

    def __init__(
        self,
        codec: Codec,
        extradata: bytes | None,
        frame_rate: float | None,
        *,
        counts: Counts,
        former: "Passthrough | None" = None,
    ) -> None:
        self._codec: Codec = codec
        self._frame_rate = frame_rate
        self._counts = counts
        self._canonical = self._new_canonical(extradata)
        self.info: StreamInfo | None = former.info if former else None

    def take(self, received: Received, place: Place, sink: Sink) -> None:
        packet = received.packet
        if packet.has_sidedata("new_extradata"):  # a file whose index holds several parameter sets goes on to the next
            self._canonical = self._new_canonical(bytes(packet.get_sidedata("new_extradata")))
        refused = self._canonical.refused_sets
        unit = self._canonical.convert(bytes(packet), packet.is_keyframe)
        if self._canonical.refused_sets != refused:
            self._counts["refused_sets"] += self._canonical.refused_sets - refused
        if unit is None:
            self._counts["left_out"] += 1
            sink.no_picture_yet("sends no keyframe to begin with")
            return
        stamp = place(received.pts_us, received.dts_us, received.arrival_us)
        if stamp is None:
            return
        self._counts["pictures"] += 1
        if packet.is_corrupt:
            self._counts["corrupt"] += 1
        info = self.info = self._current(stamp.epoch)
        sink.access_unit(AccessUnit(unit.data, stamp.pts_us, stamp.dts_us, unit.keyframe, info))

    def finish(self, place: Place, sink: Sink) -> None:
        """Nothing is held back here."""

    def _new_canonical(self, extradata: bytes | None) -> Canonicaliser:
        canonical = Canonicaliser(self._codec, extradata)
        self._counts["refused_sets"] += canonical.refused_sets
        return canonical

    def _current(self, epoch: int) -> StreamInfo:
        canonical, info = self._canonical, self.info
        if info and info.epoch == epoch and info.parameter_sets == canonical.parameter_sets:
            return info
        return StreamInfo(
            codec=self._codec,
            width=canonical.width,
            height=canonical.height,
            parameter_sets=canonical.parameter_sets,
            epoch=epoch,
            frame_rate=self._frame_rate,
        )
