"""The note in a fetched folder of what was asked for: so that `verify` knows what should be there."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pi_sec_cam.durable import storage_error, write_atomically
from pi_sec_cam.errors import PiSecCamError
from pi_sec_cam.home.notes import NoHome, is_our_mark, make_mark
from pi_sec_cam.home.selection import Selection

NAME = ".pi-sec-cam-fetch.json"
_VERSION = 1
_ALL = "everything"


class ManifestUnreadable(PiSecCamError, ValueError):
    """A note that is damaged, or that a later version has written."""


class ManifestOfOthers(ManifestUnreadable):
    """A note that another computer has written, or somebody who wants events to count as never asked for."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the fetches into one folder have asked for, together.

    It is believed only by whom it was written for: it lies among what has come from elsewhere, and could have come from
    there itself. So it bears a mark (`make_mark`).

    Attributes:
        events: all events that were asked for and known of then: by the place's list, or by the camera's own chain.
        fetches: of each its time (`at`), its `place`, whether it came to its end (`finished`), and for people what it
            asked for.
    """

    events: frozenset[str] = frozenset()
    fetches: tuple[dict[str, Any], ...] = field(default=())

    @property
    def places(self) -> frozenset[str]:
        """Where it came from."""
        return frozenset(place for fetch in self.fetches if isinstance(place := fetch.get("place"), str))

    def with_fetch(self, place: str, selection: Selection, events: Iterable[str], at: datetime) -> "Manifest":
        """After another fetch, which has asked this place for these events."""
        asked = {
            "at": at.isoformat(timespec="seconds"),
            "place": place,
            "what": list(selection.what) or _ALL,
            "cameras": list(selection.cameras) or _ALL,
            "from": selection.begin and selection.begin.isoformat(),
            "until": selection.until and selection.until.isoformat(),
            "finished": False,
        }
        return replace(self, events=self.events.union(events), fetches=(*self.fetches, asked))

    @property
    def broken_off(self) -> bool:
        """Whether the last fetch did not come to its end."""
        return bool(self.fetches) and self.fetches[-1].get("finished") is False

    def finished(self) -> "Manifest":
        """After the last fetch has come to its end."""
        return replace(self, fetches=(*self.fetches[:-1], {**self.fetches[-1], "finished": True}))

    def write(self, top: Path) -> None:
        """Into the folder, readable for its user alone.

        Raises:
            StorageError: from the disk.
        """
        said = {"version": _VERSION, "fetches": list(self.fetches), "events": sorted(self.events)}
        with suppress(NoHome):  # then nobody believes it later: what should be there is open
            said["mark"] = make_mark(_marked(said))
        try:
            write_atomically(top / NAME, (json.dumps(said, indent=1) + "\n").encode(), mode=0o600)
        except OSError as error:
            raise storage_error(f"cannot write {top / NAME}", error) from error


def read_manifest(top: Path) -> Manifest | None:
    """The note in this folder; None if nothing was fetched into it.

    Raises:
        ManifestOfOthers: this user has not written it on this computer.
        ManifestUnreadable: it is none.
        StorageError: from the disk.
    """
    path = top / NAME
    try:
        said = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise storage_error(f"cannot read {path}", error) from error
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict) and type(said.get("version")) is int and said["version"] > _VERSION:
        raise ManifestUnreadable(f"{path} was written by a later version of this program: use that one")
    match said:
        case {"version": 1, "events": list(events), "fetches": list(fetches)} if all(
            isinstance(event, str) for event in events
        ) and all(isinstance(fetch, dict) for fetch in fetches):
            mark = said.pop("mark", None)
            if not isinstance(mark, str) or not is_our_mark(mark, _marked(said)):
                raise ManifestOfOthers(
                    f"{path} was not written by you on this computer, so what it says should be there is not believed. "
                    "To fetch, name another folder, or delete that file"
                )
            return Manifest(frozenset(events), tuple(fetches))
    raise ManifestUnreadable(
        f"{path} is damaged: fetch into another folder; or delete it, then nobody knows any more what should be there"
    )


def _marked(said: dict[str, Any]) -> bytes:
    """What the mark is over."""
    return json.dumps(said, sort_keys=True).encode()
