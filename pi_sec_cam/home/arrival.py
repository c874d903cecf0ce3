"""Brings single files from a place into a folder, whole and as they were sent, or not at all."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pi_sec_cam.errors import PermanentError
from pi_sec_cam.evidence.footage import FoundFile
from pi_sec_cam.evidence.reporting.outcome import printable
from pi_sec_cam.home.destination import LONGEST_NAME_BYTES, Destination, Part
from pi_sec_cam.home.onlooker import Onlooker
from pi_sec_cam.home.protocol import DeletedFile, Place


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of a file before it comes.

    Attributes:
        fits: whether it is this.
        lengths: what it may have; None if any.
    """

    fits: Callable[[Part], bool]
    lengths: frozenset[int] | None = None

    def may_have(self, length: int | None) -> bool:
        """Whether a file of this length can be it."""
        return self.lengths is None or length is None or length in self.lengths


class Arrivals:
    """Under its own name stands only what fits; what does not is put aside, and said. One thread.

    Attributes:
        files, bytes: that have come.
        there: files that were there already.
        restored: paths of those that had been deleted or overwritten in the place, and came back.
        failed: paths of those that the place has, or had, and that did not come.
    """

    def __init__(self, place: Place, destination: Destination, onlooker: Onlooker) -> None:
        self._place = place
        self._destination = destination
        self._onlooker = onlooker
        self.files = self.bytes = self.there = 0
        self.restored: list[str] = []
        self.failed: list[str] = []

    def bring(
        self,
        path: str,
        present: FoundFile | None,
        wanted: Wanted | None,
        former: Callable[[], Iterable[DeletedFile]] = tuple,
    ) -> bool:
        """Bring a file; whether it is there now, and is what it should be as far as that is known.

        A file that is there is left as it is. It is looked at for its length only: the verification that ends a fetch
        reads it anyway.

        Args:
            present: as the place has it now.
            wanted: None where nothing is known of it: then it is taken as it comes.
            former: what to try where the present state does not fit, or is not there.
        """
        if len(os.fsencode(path.rpartition("/")[2])) > LONGEST_NAME_BYTES:
            self._say(path, "no camera gives such a long name: it stays where it is")
            self.failed.append(path)
            return False
        standing = self._destination.length(path)
        if standing is not None:
            lengths = wanted.lengths if wanted and wanted.lengths else {present.bytes} if present else {standing}
            if standing in lengths:
                self.there += 1
                return True
            self._say(
                path,
                f"another file of this name, with {standing:,} bytes, is in {self._destination.top} already. It was "
                "left as it is: move it away and fetch again",
            )
            self.failed.append(path)
            return False
        if present is not None and self._received(path, None, present.bytes, wanted):
            return True
        tried = present is not None
        for state in former():
            if wanted is None or wanted.may_have(state.bytes):
                tried = True
                if self._received(path, state, state.bytes, wanted):
                    self.restored.append(path)
                    return True
        if tried:
            self.failed.append(path)
        return False

    def _say(self, path: str, what: str) -> None:
        self._onlooker.say(f"{printable(path)}: {what}")

    def _received(self, path: str, state: DeletedFile | None, length: int | None, wanted: Wanted | None) -> bool:
        """Whether this state of it has come, and fits; if it can be it, and is not, it is fetched once more."""
        tries = 2 if wanted is not None and wanted.may_have(length) else 1
        digest = ""
        try:
            for attempt in range(tries):
                with self._destination.part(path) as part:
                    self._fill(part, path, state, length, go_on=wanted is not None and state is None and not attempt)
                    fits = length in {None, part.bytes} and (wanted is None or wanted.fits(part))
                    if fits:
                        part.sync()
                if fits:
                    self._destination.keep(path)
                    self.files += 1
                    self.bytes += part.bytes
                    return True
                digest = part.sha256
                if attempt + 1 < tries:
                    self._onlooker.advance(-part.bytes)
        except (FileNotFoundError, FileExistsError, PermanentError) as error:
            self._destination.forget_part(path)
            self._say(path, _why(error))
            return False
        aside = self._destination.put_aside(path, digest[:8])
        what = "what was there before is not" if state else "what is there now is not"
        self._say(path, f"{what} what the camera has sent under this name; it is kept as {printable(str(aside))}")
        return False

    def _fill(self, part: Part, path: str, state: DeletedFile | None, length: int | None, *, go_on: bool) -> None:
        """Get what is lacking of it; no more than a piece beyond what it should have."""
        if go_on:
            part.go_on()
        if not go_on or (length is not None and part.bytes > length):
            part.restart()
        self._onlooker.advance(part.bytes)
        if part.bytes == length:
            return
        pieces = self._place.read_deleted(state, part.bytes) if state else self._place.read(path, part.bytes)
        for piece in pieces:
            part.append(piece)
            self._onlooker.advance(len(piece))
            if length is not None and part.bytes > length:
                return


def _why(error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "it went away while it was to be fetched"
        case FileExistsError():
            return "another file of this name was made here meanwhile; it was left as it is"
    return str(error)
