"""An app's folder in Dropbox, read back by its owner's login."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from typing import Any, TypeVar

from dropbox.exceptions import ApiError
from dropbox.files import DeletedMetadata, FileMetadata

from pi_sec_cam.clock import Clock
from pi_sec_cam.errors import OffsiteError, StoreRefuses, TemporaryError
from pi_sec_cam.evidence.footage import FoundFile
from pi_sec_cam.home.names import checked_folder, checked_path, well_named
from pi_sec_cam.home.owner_login import LOGIN, LOGIN_TO_DELETE, OwnerLogin
from pi_sec_cam.home.patience import Patience
from pi_sec_cam.home.protocol import DeletedFile, PlaceKind
from pi_sec_cam.offsite.stores.dropbox_errors import store_errors, tags_of
from pi_sec_cam.offsite.stores.dropbox_session import dropbox_client
from pi_sec_cam.offsite.stores.interruptible import Watch

_PAGE = 500  # entries an answer: with long names still less than the session lets through
_REVISIONS = 100  # the most that Dropbox gives at once
_PIECE_BYTES = 1 << 16  # of one that breaks off, what has come is lost

Answer = TypeVar("Answer")


class _NotThere(Exception):
    """Dropbox has no such file or folder (any more), or the one has the other's name."""


def check_owner_login(login: OwnerLogin, clock: Clock) -> None:
    """Try whether it may list the app's folder.

    Raises:
        TemporaryError, StoreRefuses: as Place.files.
    """
    with (
        store_errors(clock, login=LOGIN),
        dropbox_client(Watch(), refresh_token=login.refresh_token, app_key=login.app_key) as sdk,
    ):
        sdk.files_list_folder("", limit=1)


class DropboxPlace:
    """What the cameras' app has in Dropbox, or what is below a folder of it.

    Dropbox does not know case: two cameras whose names differ in nothing else have one folder there.

    Args:
        folder: empty for all of it; slashes at its ends do not matter.

    Raises:
        PermanentError: `folder` is no folder's path.
    """

    kind: PlaceKind = "dropbox"

    def __init__(self, login: OwnerLogin, folder: str = "", *, clock: Clock, patience: Patience) -> None:
        folder = checked_folder(folder.strip("/"))
        self.where = f"dropbox:{folder}"
        self._top = folder.split("/") if folder else []
        self._clock, self._patience = clock, patience
        self._dropbox = dropbox_client(Watch(), refresh_token=login.refresh_token, app_key=login.app_key)

    def files(self, under: str = "") -> Iterator[FoundFile]:
        return well_named(self.where, self._files(checked_folder(under)))

    def read(self, path: str, begin: int = 0) -> Iterator[bytes]:
        return self._read(self._full(checked_path(path)), path, begin)

    def deleted(self, under: str = "") -> Iterator[DeletedFile]:
        return well_named(self.where, self._deleted(checked_folder(under)))

    def read_deleted(self, deleted: DeletedFile, begin: int = 0) -> Iterator[bytes]:
        return self._read(f"rev:{deleted.version}", deleted.path, begin)

    def delete(self, path: str) -> None:
        full = self._full(checked_path(path))
        with suppress(_NotThere):
            self._standing(full)  # a folder would go as easily, with all that is in it
            self._asked(lambda: self._dropbox.files_delete_v2(full), login=LOGIN_TO_DELETE)

    def close(self) -> None:
        self._dropbox.close()

    def _files(self, under: str) -> Iterator[FoundFile]:
        with suppress(_NotThere):
            for entry in self._entries(self._full(under)):
                if isinstance(entry, FileMetadata):
                    yield FoundFile(self._path(entry), entry.size, _time(entry.server_modified))

    def _deleted(self, under: str) -> Iterator[DeletedFile]:
        wanted = self._full(under)
        revisions = self._revisions(wanted) if under else iter(())
        newest = next(revisions, None)
        if newest is not None:  # a file was asked for
            yield from _former(under, chain([newest], revisions))
            return
        for entry in self._ever(wanted):
            path = self._path(entry)
            yield from _former(path, self._revisions(self._full(path)))

    def _ever(self, wanted: str) -> Iterator[Any]:
        """All that is or was below a folder. One that is deleted itself cannot be listed: then one above it is."""
        folder = wanted
        while True:
            try:
                for entry in self._entries(folder, include_deleted=True):
                    if isinstance(entry, FileMetadata | DeletedMetadata) and _below(_said(entry.path_lower), wanted):
                        yield entry
            except _NotThere:
                if folder:
                    folder = folder.rpartition("/")[0]
                    continue
            return

    def _revisions(self, full: str) -> Iterator[Any]:
        """Pages of them, the newest first; none of a folder."""
        before: str | None = None
        with suppress(_NotThere):
            while True:
                ask = partial(self._dropbox.files_list_revisions, full, limit=_REVISIONS, before_rev=before)
                page = self._asked(ask)
                yield page
                if not page.has_more:
                    return
                before = page.entries[-1].rev

    def _entries(self, folder: str, *, include_deleted: bool = False) -> Iterator[Any]:
        page = self._asked(
            lambda: self._dropbox.files_list_folder(
                folder,
                recursive=True,
                include_deleted=include_deleted,
                limit=_PAGE,
                include_non_downloadable_files=False,
            )
        )
        while True:
            yield from page.entries
            if not page.has_more:
                return
            page = self._asked(partial(self._dropbox.files_list_folder_continue, page.cursor))

    def _read(self, full: str, path: str, begin: int) -> Iterator[bytes]:
        try:
            if begin and begin >= self._standing(full).size:
                return  # a range that begins at the end is refused
            yield from self._patience.read(lambda at: self._downloaded(full, at), begin)
        except _NotThere:
            raise FileNotFoundError(f"{path} is not in {self.where} (any more)") from None

    def _downloaded(self, full: str, begin: int) -> Iterator[bytes]:
        # Headers of a call of its own are known to the newest versions of the SDK only.
        sdk = self._dropbox.clone(headers={"Range": f"bytes={begin}-"}) if begin else self._dropbox
        found, response = self._told(lambda: sdk.files_download(full))
        at = begin
        with closing(response), store_errors(self._clock, login=LOGIN):
            if begin and not response.headers.get("Content-Range", "").startswith(f"bytes {begin}-"):
                raise TemporaryError("Dropbox sent another part of the file than it was asked for")
            for piece in response.iter_content(_PIECE_BYTES):
                yield piece
                at += len(piece)
        if at != found.size:
            raise TemporaryError("a download from Dropbox broke off")

    def _standing(self, full: str) -> FileMetadata:
        found = self._asked(lambda: self._dropbox.files_get_metadata(full))
        if not isinstance(found, FileMetadata):
            raise _NotThere
        return found

    def _full(self, path: str) -> str:
        return "".join(f"/{part}" for part in [*self._top, *(path.split("/") if path else [])])

    def _path(self, entry: Any) -> str:
        return "/".join(_said(entry.path_display).split("/")[1 + len(self._top) :])

    def _asked(self, call: Callable[[], Answer], *, login: str = LOGIN) -> Answer:
        return self._patience.asked(lambda: self._told(call, login=login))

    def _told(self, call: Callable[[], Answer], *, login: str = LOGIN) -> Answer:
        """What a call of the SDK returns; its errors in the terms of the protocol."""
        with store_errors(self._clock, login=login):
            try:
                return call()
            except ApiError as error:
                refusal = error.error
        raise _refused(refusal)


def _refused(error: object) -> OffsiteError | _NotThere:
    tags = tags_of(error)
    if {"not_found", "not_file", "not_folder"} & set(tags):
        return _NotThere()
    if tags[:1] == ["reset"]:
        return TemporaryError("Dropbox asks to list its files anew from the beginning: begin again")
    said = "/".join(tags)
    if {"restricted_content", "no_write_permission", "team_folder", "locked"} & set(tags):
        return StoreRefuses(f"Dropbox does not let this login do that ({said})")
    return TemporaryError(f"Dropbox did not do that ({said})")


def _former(path: str, pages: Iterable[Any]) -> Iterator[DeletedFile]:
    """A file's revisions, but the present one."""
    gone_at: datetime | None = None
    present = True
    for page in pages:
        if page.is_deleted:
            gone_at, present = _time(page.server_deleted), False
        for revision in page.entries:
            if not present:
                yield DeletedFile(path, revision.size, gone_at, revision.rev)
            gone_at, present = _time(revision.server_modified), False


def _below(lower: str, folder: str) -> bool:
    return lower.startswith(f"{folder}/".lower())


def _said(path: str | None) -> str:
    """Null is for what others share with the account, which no app's folder has."""
    if path is None:
        raise TemporaryError("Dropbox's answer cannot be understood: it lists a file without a path")
    return path


def _time(said: datetime | None) -> datetime | None:
    """Dropbox's times are in UTC, and the SDK does not say so."""
    return said and said.replace(tzinfo=UTC)
