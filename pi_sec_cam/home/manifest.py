"""The note in a fetched folder of what was asked for: so that `verify` knows what should be there."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pi_sec_cam.durable import storage_error, write_atomically
from pi_sec_cam.errors import PiSecCamError
from pi_sec_cam.home.selection import Selection

NAME = ".pi-sec-cam-fetch.json"
_VERSION = 1
_ALL = "everything"


class ManifestUnreadable(PiSecCamError, ValueError):
    """A note that is damaged, or that a later version has written."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the fetches into one folder have asked for, together.

    Attributes:
        events: all events that were asked for and known of then: by the place's list, or by the camera's own chain.
        fetches: of each its time (`at`), its `place`, and for people what it asked for.
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
        }
        return replace(self, events=self.events.union(events), fetches=(*self.fetches, asked))

    def write(self, top: Path) -> None:
        """Into the folder, readable for its user alone.

        Raises:
            StorageError: from the disk.
        """
        text = {"version": _VERSION, "fetches": self.fetches, "events": sorted(self.events)}
        try:
            write_atomically(top / NAME, (json.dumps(text, indent=1) + "\n").encode(), mode=0o600)
        except OSError as error:
            raise storage_error(f"cannot write {top / NAME}", error) from error


def read_manifest(top: Path) -> Manifest | None:
    """The note in this folder; None if nothing was fetched into it.

    Raises:
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
            return Manifest(frozenset(events), tuple(fetches))
    raise ManifestUnreadable(
        f"{path} is damaged: fetch into another folder; or delete it, then nobody knows any more what should be there"
    )
