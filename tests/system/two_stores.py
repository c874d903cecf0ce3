"""A camera that sends to the loopback Dropbox and to a folder at the same time, and what must be there in the end."""

import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pi_sec_cam.local_socket import ask
from pi_sec_cam.offsite.envelope import open_sealed
from pi_sec_cam.offsite.journal import number_of, read_journal
from pi_sec_cam.record.event_folder import EventFolder
from pi_sec_cam.record.event_record import id_of_folder
from pi_sec_cam.record.stored_units import stored_units
from tests.loopback_dropbox.server import LoopbackDropbox
from tests.loopback_dropbox.tokens import APP_KEY
from tests.system.daemon import Home
from tests.system.walked_yard import WalkedYard

_ENVIRONMENT = threading.Lock()  # protects this process's: homes may be in several threads
SHORT = {"rec_sec_before": 1, "rec_sec_after": 1}


class TwoStores(Home):
    """A home whose daemon takes `dropbox` for Dropbox; everything is sealed for `owner`."""

    def __init__(self, folder: Path, owner: rsa.RSAPrivateKey, dropbox: LoopbackDropbox, **configuration: Any) -> None:
        self.owner, self.dropbox = owner, dropbox
        self.store = folder / "store"
        self.store.mkdir()
        self.pem = folder / "owner.pem"
        self.pem.write_bytes(public_pem(owner))
        self.login = dropbox.tokens.new_refresh_token()
        super().__init__(folder, **configuration)

    def write(self, **configuration: Any) -> None:
        login = {"app_key": APP_KEY, "refresh_token": self.login, "public_pem_path": str(self.pem)}
        stores = [{"kind": "directory", "path": str(self.store)}]
        small = {"cam_name": "Yard", "video_size": [320, 180], "framerate": 10, "motion": SHORT, "stores": stores}
        super().write(**{**small, "dropbox": login, **configuration})

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **self.dropbox.environment}

    def state(self) -> dict[str, Any]:
        """What the running daemon says of itself, also when nobody here sees its storage."""
        with _ENVIRONMENT, pytest.MonkeyPatch.context() as patch:
            patch.setenv("RUNTIME_DIRECTORY", self.environment["RUNTIME_DIRECTORY"])
            found = ask(self.storage, "status")
        assert isinstance(found, dict)
        return found

    def at(self, kind: str) -> dict[str, Any]:
        """What the running daemon says of its store of that kind."""
        found: dict[str, Any] = next(store for store in self.state()["offsite"]["stores"] if store["kind"] == kind)
        return found

    def all_left(self, *kinds: str) -> bool:
        """Whether nothing waits for these stores (all, unless named), and something has been sent to each."""
        found = [store for store in self.state()["offsite"]["stores"] if store["kind"] in kinds or not kinds]
        return all(not store["files_waiting"] and store["files_sent"] for store in found)

    def walk(self, yard: WalkedYard, *, leave: bool = True) -> None:
        """Somebody comes, a second later goes, and what was recorded of that is on the disk; or they stay."""
        camera = self._camera()
        seen, recorded = camera["motion"]["events"], camera["recorder"]["events_recorded"]
        yard.walking.set()
        self.until(lambda: self._camera()["motion"]["events"] > seen, 15)
        if leave:
            time.sleep(1)
            yard.walking.clear()
            self.until(lambda: self._camera()["recorder"]["events_recorded"] > recorded, 15)

    def in_dropbox(self) -> dict[str, bytes]:
        """The files there, by path below the app's folder."""
        return {path.removeprefix("/"): file.data for path, file in self.dropbox.stored().items()}

    def in_folder(self) -> dict[str, bytes]:
        """The files in the folder that is the other store."""
        files = [path for path in self.store.glob("Yard/*/*/*") if not path.name.startswith(".")]
        return {path.relative_to(self.store).as_posix(): path.read_bytes() for path in files}

    def recorded(self, event: str, recordings: Path | None = None) -> bytes:
        """The stream of an event's clip here."""
        folder = self._folder(event, recordings)
        record = folder.read_record()
        assert record is not None
        return b"".join(unit.data for unit in stored_units(folder, record))

    def whole(self, stored: Mapping[str, bytes], recordings: Path | None = None) -> list[str]:
        """The events that a store holds, each of them checked: the clip that is here, byte for byte, and the picture.

        The records beside them are looked at in test_evidence.py.

        Args:
            stored: all files in that store.
            recordings: where the events are kept, if another mount namespace hides that.
        """
        events = events_in(stored)
        for event in events:
            names = sorted((path.rpartition("/")[2] for path in stored if path.startswith(f"{event}/")), key=number_of)
            video = [name for name in names if name.startswith("video")]
            assert [number_of(name) for name in video] == list(range(len(video))), event
            plain = {name: open_sealed(stored[f"{event}/{name}"], self.owner) for name in names if is_footage(name)}
            assert b"".join(plain[name] for name in video) == self.recorded(event, recordings), event
            folder = self._folder(event, recordings).path
            assert plain["motion0.jpg"] == (folder / "motion.jpg").read_bytes()
            journal = read_journal(folder)
            assert journal is not None
            assert journal.final, event
            assert set(journal.files) == set(names), event
        return events

    def _camera(self) -> dict[str, Any]:
        found: dict[str, Any] = self.state()["cameras"][0]
        return found

    def _folder(self, event: str, recordings: Path | None) -> EventFolder:
        return EventFolder(id_of_folder(event), (recordings or self.storage / "recordings") / event)


def events_in(stored: Iterable[str]) -> list[str]:
    """The events of which a picture or video is among these files."""
    return sorted({path.rpartition("/")[0] for path in stored if is_footage(path)})


def is_footage(path: str) -> bool:
    """Whether this is a picture or video, and so sealed; not records."""
    return path.rpartition("/")[2].startswith(("motion", "video"))


def public_pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
