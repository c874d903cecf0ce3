"""Says what is found in one event, and where in the camera's records that is."""

from bisect import bisect_left
from collections.abc import Sequence

from pi_sec_cam.evidence.judging.absent import EventDraft
from pi_sec_cam.evidence.judging.event_chain import EventChain
from pi_sec_cam.evidence.judging.findings import Findings, Spot
from pi_sec_cam.evidence.verdict import Verdict

_NO_TIME_US = -(1 << 53)  # before all that records can hold


class EventWords:
    """What is said of one event.

    Attributes:
        spot: where in the camera's own chain it begins.
    """

    def __init__(self, findings: Findings, draft: EventDraft, spot: Spot, chains: Sequence[EventChain]) -> None:
        self._findings = findings
        self.draft = draft
        self.spot = spot
        self._chains = chains
        self._times: list[tuple[int, int]] | None = None  # when which record was signed, made when needed

    def add(
        self,
        verdict: Verdict,
        place: str,
        text: str,
        *,
        n: int | None = None,
        at_us: int | None = None,
        until_us: int | None = None,
    ) -> None:
        """One finding.

        Args:
            n: the place in the event's chain that it is about; its beginning unless given.
            at_us: when it was; the event's beginning, or what `until_us` says, unless given.
            until_us: when the last record before that was signed, if that is known.
        """
        draft = self.draft
        spot = self.spot if n is None else self.spot_at(n, until_us)
        if at_us is None:
            at_us = draft.began_us if until_us is None else until_us
        found = self._findings.add(verdict, place, text, camera=draft.camera, event=draft.event, at_us=at_us, spot=spot)
        draft.verdicts.add(found)

    def spot_at(self, n: int, until_us: int | None = None) -> Spot:
        """Where in the camera's records the place `n` of this event is."""
        if self._times is None:
            every = (claim for chain in self._chains for claims in chain.claims.values() for claim in claims)
            self._times = sorted((claim.n, claim.at_us) for claim in every)
        if until_us is None:
            before = bisect_left(self._times, (n, _NO_TIME_US))
            until_us = self._times[before - 1][1] if before else self.spot.until_us
        return Spot(self.spot.segment, self.spot.n, until_us)
