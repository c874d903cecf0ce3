"""What should be here: all that the camera tells of, or only what was asked for."""

from collections.abc import Callable, Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """Which events are expected.

    As it stands, nobody knows: somebody has downloaded this by hand. Whether other events were not downloaded, or were
    deleted, is then open. An event of which anything is here must be whole in any case.

    Attributes:
        complete: all that the camera's chain names should be here (straight from a store; `--complete`).
        only_here: nothing else was fetched, and nothing else is asked about (`--only-here`).
        asked: whether an event (`<camera>/<day>/<time>`) was asked for: then it should be here, and others need not.
        of_store: whether a camera's store with this key is of the kind that was looked into.
    """

    complete: bool = False
    only_here: bool = False
    asked: Callable[[str], bool] | None = None
    of_store: Callable[[str], bool] = lambda _: True

    def stores_here(self, known: Collection[str]) -> Collection[str]:
        """Those of a camera's stores of which this can be one: what another one never got explains nothing here.

        All of them, where none is of this kind: what the camera has as a folder may be a bucket for others.
        """
        return [store for store in known if self.of_store(store)] or known

    def expects(self, event: str) -> bool | None:
        """Whether this event should be here; None where nobody knows."""
        if self.complete or self.only_here:
            return self.complete
        return self.asked(event) if self.asked else None
