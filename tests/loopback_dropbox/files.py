"""The files of the loopback Dropbox: what may be written where, as Dropbox's write errors say it."""

import hashlib
import math
import posixpath
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.loopback_dropbox.answer import bad_input, path_refused, refused

MOST_BYTES = 150 * 1000 * 1000
_BLOCK = 4 * 1024 * 1024
_UPLOAD_FIELDS = {
    "path",
    "mode",
    "autorename",
    "client_modified",
    "mute",
    "property_groups",
    "strict_conflict",
    "content_hash",
}
_DISALLOWED = {"desktop.ini", "thumbs.db", ".ds_store", "icon\r", ".dropbox", ".dropbox.attr"}


@dataclass(frozen=True)
class StoredFile:
    """A file that stands; `at_s` (time.monotonic) is when it became stored: before the answer left."""

    path: str
    data: bytes
    at_s: float
    rev: str
    content_hash: str

    @property
    def modified(self) -> str:
        """The server's time: a second later for each revision."""
        return _server_time(int(self.rev, 16))

    def metadata(self) -> dict[str, Any]:
        return {
            ".tag": "file",
            "name": self.path.rpartition("/")[2],
            "path_lower": self.path.lower(),
            "path_display": self.path,
            "id": f"id:{self.rev}AAAAAAA",
            "client_modified": self.modified,
            "server_modified": self.modified,
            "rev": self.rev,
            "size": len(self.data),
            "is_downloadable": True,
            "content_hash": self.content_hash,
        }


def content_hash(data: bytes) -> str:
    """Dropbox's: SHA-256 over the SHA-256 of each 4 MiB."""
    blocks = (hashlib.sha256(data[at : at + _BLOCK]).digest() for at in range(0, len(data), _BLOCK))
    return hashlib.sha256(b"".join(blocks)).hexdigest()


class Files:
    """Used under the server's lock.

    Attributes:
        space_bytes: what the account holds at most; 0 is a full one.
        by_path: what stands, by path in lower case: Dropbox does not know case.
        folders: the same for folders, with their paths as they were first written.
        revisions: all that ever stood under a path in lower case, the oldest first.
        deleted: by path in lower case, the path as written, and the server's time.
    """

    def __init__(self) -> None:
        self.space_bytes: float = math.inf
        self.by_path: dict[str, StoredFile] = {}
        self.folders: dict[str, str] = {}
        self.revisions: dict[str, list[StoredFile]] = {}
        self.deleted: dict[str, tuple[str, str]] = {}
        self._sessions: dict[str, bytearray] = {}
        self._closed: set[str] = set()
        self._revisions = 0

    def upload(self, route: str, arg: dict[str, Any], body: bytes) -> dict[str, Any]:
        """files/upload."""
        unknown = set(arg) - _UPLOAD_FIELDS
        if unknown:
            raise bad_input(route, f"request body: unknown field '{min(unknown)}'")
        _check_hash(arg, body)
        if len(body) > MOST_BYTES:
            raise refused("payload_too_large", {".tag": "payload_too_large"})
        return self._commit(route, arg, body).metadata()

    def start(self, arg: dict[str, Any], body: bytes) -> dict[str, Any]:
        """files/upload_session/start."""
        _check_hash(arg, body)
        session = f"pid_upload_session:{len(self._sessions):08d}"
        self._sessions[session] = bytearray(body)
        if arg.get("close"):
            self._closed.add(session)
        return {"session_id": session}

    def append(self, arg: dict[str, Any], body: bytes) -> None:
        """files/upload_session/append_v2."""
        _check_hash(arg, body)
        error = self._cursor_error(arg["cursor"])
        if error is None and arg["cursor"]["session_id"] in self._closed:
            error = {".tag": "closed"}
        if error is not None:
            raise refused(error[".tag"], error)
        self._sessions[arg["cursor"]["session_id"]] += body
        if arg.get("close"):
            self._closed.add(arg["cursor"]["session_id"])

    def finish(self, route: str, arg: dict[str, Any], body: bytes) -> dict[str, Any]:
        """files/upload_session/finish."""
        _check_hash(arg, body)
        error = self._cursor_error(arg["cursor"])
        if error is not None:
            raise refused("lookup_failed", {".tag": "lookup_failed", "lookup_failed": error})
        data = bytes(self._sessions[arg["cursor"]["session_id"]]) + body
        stored = self._commit(route, arg["commit"], data)
        del self._sessions[arg["cursor"]["session_id"]]
        return stored.metadata()

    def delete(self, arg: dict[str, Any]) -> dict[str, Any]:
        """files/delete_v2 of a file or a folder."""
        lower = arg["path"].lower()
        standing = self.by_path.get(lower)
        if standing is None and lower not in self.folders:
            raise refused("path_lookup/not_found", {".tag": "path_lookup", "path_lookup": {".tag": "not_found"}})
        if arg.get("parent_rev") is not None and (standing is None or standing.rev != arg["parent_rev"]):
            why = {".tag": "conflict", "conflict": {".tag": "file"}}
            raise refused("path_write/conflict/file", {".tag": "path_write", "path_write": why})
        self._revisions += 1
        found = self.folder_metadata(lower) if standing is None else standing.metadata()
        for path in [path for path in (*self.by_path, *self.folders) if f"{path}/".startswith(f"{lower}/")]:
            gone = self.by_path.pop(path, None)
            self.deleted[path] = (self.folders.pop(path) if gone is None else gone.path, _server_time(self._revisions))
        return {"metadata": found}

    def folder_metadata(self, lower: str) -> dict[str, Any]:
        path = self.folders[lower]
        name = path.rpartition("/")[2]
        return {".tag": "folder", "name": name, "path_lower": lower, "path_display": path, "id": f"id:{name}AAAAAAA"}

    def clear(self) -> None:
        """As new."""
        for held in (self.by_path, self.folders, self.revisions, self.deleted):
            held.clear()

    def _commit(self, route: str, arg: dict[str, Any], data: bytes) -> StoredFile:
        path = _checked_path(route, arg.get("path"))
        mode = arg.get("mode", "add")
        tag = mode[".tag"] if isinstance(mode, dict) else mode
        if tag not in {"add", "overwrite", "update"}:
            raise bad_input(route, f"request body: mode: unknown tag '{tag}'")
        lower = path.lower()
        hashed = content_hash(data)
        standing = self.by_path.get(lower)
        if standing is not None and standing.content_hash == hashed and not arg.get("strict_conflict"):
            return standing
        clash = self._clash(lower, tag, mode)
        if clash is not None and arg.get("autorename") and clash != "file_ancestor":
            path, lower = self._another_name(path)
        elif clash is not None:
            raise path_refused("conflict", clash)
        # Not asked for nothing: it takes long when a benchmark has stored ten thousand files.
        if self.space_bytes < math.inf and self._held() + len(data) > self.space_bytes:
            raise path_refused("insufficient_space")
        self._revisions += 1
        stored = StoredFile(path, data, time.monotonic(), f"{self._revisions:016x}", hashed)
        self.by_path[lower] = stored
        self.revisions.setdefault(lower, []).append(stored)
        for folder in (lower, *_folders_of(lower)):
            self.deleted.pop(folder, None)
        for folder in _folders_of(path):
            self.folders.setdefault(folder.lower(), folder)
        return stored

    def _held(self) -> int:
        return sum(len(file.data) for file in self.by_path.values())

    def _clash(self, lower: str, tag: str, mode: Any) -> str | None:
        if any(folder in self.by_path for folder in _folders_of(lower)):
            return "file_ancestor"
        if lower in self.folders:
            return "folder"
        standing = self.by_path.get(lower)
        if standing is None or tag == "overwrite" or (tag == "update" and mode["update"] == standing.rev):
            return None
        return "file"

    def _another_name(self, path: str) -> tuple[str, str]:
        stem, ending = posixpath.splitext(path)
        number = 1
        while (other := f"{stem} ({number}){ending}").lower() in self.by_path:
            number += 1
        return other, other.lower()

    def _cursor_error(self, cursor: dict[str, Any]) -> dict[str, Any] | None:
        session = self._sessions.get(cursor["session_id"])
        if session is None:
            return {".tag": "not_found"}
        if cursor["offset"] != len(session):
            return {".tag": "incorrect_offset", "correct_offset": len(session)}
        return None


def _folders_of(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(2, len(parts))]


def _server_time(second: int) -> str:
    return f"{datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second):%Y-%m-%dT%H:%M:%SZ}"


def _check_hash(arg: dict[str, Any], body: bytes) -> None:
    if arg.get("content_hash") not in {None, content_hash(body)}:
        raise refused("content_hash_mismatch", {".tag": "content_hash_mismatch"})


def _checked_path(route: str, path: object) -> str:
    if not isinstance(path, str) or not re.match(r"/|ns:[0-9]+(/|$)|id:.*", path):
        raise bad_input(
            route, f"request body: path: '{path}' did not match pattern '(/(.|[\\r\\n])*)|(ns:[0-9]+(/.*)?)|(id:.*)'"
        )
    names = path.split("/")[1:]
    if any(not name or name in {".", ".."} or len(name) > 255 or "\\" in name or "\0" in name for name in names):
        raise path_refused("malformed_path")
    if any(name.lower() in _DISALLOWED or name.startswith("~$") for name in names):
        raise path_refused("disallowed_name")
    return path
