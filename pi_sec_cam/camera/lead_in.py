"""Holds back a stream's first packets until it is clear when their pictures were taken (docs/time.md)."""

from pi_sec_cam.camera.demux import Received

# What waited in buffers comes at once after opening; the delay is known when it has not shrunk for a while.
_SETTLED_AFTER_US = 300_000
_SHRUNK_BY_US = 20_000
_LIVE_AT_MOST_US = 2_000_000
_LIVE_AT_MOST_PACKETS = 1000
# Decoding times are left out only for the first pictures of a reordered stream: as many as can be reordered.
_FILE_AT_MOST_PACKETS = 17


class LeadIn:
    """The first packets of one opened source wait in it; what comes after them passes through.

    Args:
        live: wait until the delay does not shrink any more (2 s at most); else until a decoding time is known.
        interval_us: nominal duration of a picture, where the first ones do not show it.
    """

    def __init__(self, *, live: bool, interval_us: int) -> None:
        self._live = live
        self._interval_us = interval_us
        self._open = False
        self._held: list[Received] = []
        self._smallest_us: int | None = None
        self._shrank_us = 0

    @property
    def over(self) -> bool:
        """Whether nothing is held back any more."""
        return self._open

    def passed(self, received: Received | None, now_us: int) -> list[Received]:
        """What may go on.

        Args:
            received: the next packet; None while a live source gives nothing.
            now_us: monotonic time.
        """
        if received is not None and self._open:
            return [received]
        if received is not None:
            self._hold(received)
        return self.rest() if self._held and self._settled(now_us) else []

    def rest(self) -> list[Received]:
        """What is still held, with the times that the source left out at the beginning."""
        self._open = True
        held, self._held = self._held, []
        known = next((i for i, received in enumerate(held) if received.dts_us is not None), None)
        if known is None:
            return held
        dts_us = [received.dts_us for received in held[known:] if received.dts_us is not None]
        interval_us = dts_us[1] - dts_us[0] if len(dts_us) > 1 and dts_us[1] > dts_us[0] else self._interval_us
        for i in range(known):
            # Decoding goes at the pace at which pictures are shown, so the missing times lie evenly before.
            held[i] = held[i]._replace(dts_us=dts_us[0] - (known - i) * interval_us)
        if held[0].pts_us is None:
            # FFmpeg's RTSP gives the very first picture no time; as a keyframe it is shown before all that follow.
            shown_us = [received.pts_us for received in held[1:] if received.pts_us is not None]
            held[0] = held[0]._replace(pts_us=min(shown_us) - interval_us if shown_us else None)
        return held

    def _hold(self, received: Received) -> None:
        if not self._held:
            self._shrank_us = received.arrival_us
        self._held.append(received)
        if received.dts_us is None:
            return
        delay_us = received.arrival_us - received.dts_us
        if self._smallest_us is None or delay_us < self._smallest_us - _SHRUNK_BY_US:
            self._smallest_us = delay_us
            self._shrank_us = received.arrival_us

    def _settled(self, now_us: int) -> bool:
        """Whether the times are as clear as they will get."""
        if not self._live:
            return self._smallest_us is not None or len(self._held) >= _FILE_AT_MOST_PACKETS
        return (
            now_us - self._shrank_us >= _SETTLED_AFTER_US
            or now_us - self._held[0].arrival_us >= _LIVE_AT_MOST_US
            or len(self._held) >= _LIVE_AT_MOST_PACKETS
        )
