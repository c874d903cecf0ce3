"""Reading back from Dropbox: what is particular to it, with the real SDK."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pi_sec_cam.errors import KeyUnusable, StoreRefuses, TemporaryError
from pi_sec_cam.home.owner_login import READ_SCOPES, OwnerLogin, keep_owner_login, owner_login_path
from pi_sec_cam.home.patience import TRIES, Patience
from pi_sec_cam.home.places import open_place
from pi_sec_cam.home.protocol import Place
from tests.loopback_dropbox import answer
from tests.loopback_dropbox.faults import Fault
from tests.loopback_dropbox.server import LoopbackDropbox
from tests.loopback_dropbox.tokens import APP_KEY, WRITE

VIDEO = "Yard/2026-11-20/10.00.00/video0.h264"
CHUNK = os.urandom(1_500_000)


def opened(dropbox: LoopbackDropbox, waits: list[float], *scopes: str) -> Place:
    token = dropbox.tokens.new_refresh_token(*scopes)
    keep_owner_login(OwnerLogin(app_key=APP_KEY, refresh_token=token, account=None, made="2026", scopes=scopes))
    return open_place("dropbox:", patience=Patience(wait=waits.append))


@pytest.fixture
def waits(dropbox: LoopbackDropbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited; there is one file."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    dropbox.files.upload("files/upload", {"path": f"/{VIDEO}"}, CHUNK)
    return []


@pytest.fixture
def place(dropbox: LoopbackDropbox, waits: list[float]) -> Iterator[Place]:
    place = opened(dropbox, waits, *READ_SCOPES)
    yield place
    place.close()


def read(place: Place, begin: int = 0) -> bytes:
    return b"".join(place.read(VIDEO, begin))


def test_dropbox_is_obeyed_when_it_asks_to_wait(dropbox: LoopbackDropbox, place: Place, waits: list[float]) -> None:
    dropbox.faults.next(Fault("answer", "files/list_folder", answer.too_many(7)))
    dropbox.faults.next(Fault("answer", "files/download", answer.too_many_as_text("11")))
    assert [file.path for file in place.files()] == [VIDEO]
    assert read(place) == CHUNK
    assert waits == [7, 11]


def test_nobody_is_kept_waiting_for_hours(dropbox: LoopbackDropbox, place: Place, waits: list[float]) -> None:
    dropbox.faults.next(Fault("answer", "files/list_folder", answer.too_many(301)))
    with pytest.raises(TemporaryError) as caught:
        list(place.files())
    assert caught.value.retry_after_s == 301
    assert waits == []


def test_a_download_that_breaks_off_goes_on_where_it_did(
    dropbox: LoopbackDropbox, place: Place, waits: list[float]
) -> None:
    for at in (0, 1, 700_000):
        dropbox.faults.next(Fault("break off", "files/download", after_bytes=at))
    assert read(place, 5) == CHUNK[5:]
    assert len(waits) == 3


def test_one_that_breaks_off_again_and_again_gets_on(
    dropbox: LoopbackDropbox, place: Place, waits: list[float]
) -> None:
    dropbox.faults.next(Fault("break off", "files/download", after_bytes=100_000), times=2 * TRIES)
    assert read(place) == CHUNK
    assert max(waits) <= 1


def test_one_that_never_gets_on_is_given_up(dropbox: LoopbackDropbox, place: Place, waits: list[float]) -> None:
    dropbox.faults.lasting(Fault("break off", "files/download", after_bytes=0))
    with pytest.raises(TemporaryError):
        read(place)
    assert len(waits) == TRIES - 1


def test_other_bytes_than_those_that_were_asked_for_are_not_taken(
    dropbox: LoopbackDropbox, place: Place, waits: list[float]
) -> None:
    whole = dropbox.reading.download("files/download", {"path": f"/{VIDEO}"}, None)
    dropbox.faults.next(Fault("answer", "files/download", whole))
    assert read(place, 5) == CHUNK[5:]
    dropbox.faults.next(Fault("answer", "files/download", replace(whole, body=whole.body[:1000])))
    assert read(place) == CHUNK
    assert len(waits) == 2


def test_a_captive_portal_is_not_taken_for_footage(dropbox: LoopbackDropbox, place: Place) -> None:
    dropbox.faults.lasting(Fault("answer", answer=answer.portal_page()))
    with pytest.raises(TemporaryError, match="not Dropbox"):
        read(place)
    with pytest.raises(TemporaryError, match="not Dropbox"):
        list(place.files())


def test_a_token_that_expires_while_files_are_listed_is_renewed(dropbox: LoopbackDropbox, place: Place) -> None:
    dropbox.files.upload("files/upload", {"path": "/Yard/a"}, b"a")
    dropbox.reading.most_entries = 1
    listing = iter(place.files())
    found = [next(listing).path]
    dropbox.tokens.expire_access_tokens()
    found += [file.path for file in listing]
    assert sorted(found) == [VIDEO, "Yard/a"]
    assert read(place, 7) == CHUNK[7:]


def test_a_listing_that_dropbox_forgot_is_not_taken_for_its_end(dropbox: LoopbackDropbox, place: Place) -> None:
    dropbox.reading.most_entries = 1
    error = answer.refused("reset", {".tag": "reset"}).answer
    dropbox.faults.next(Fault("answer", "files/list_folder/continue", error), times=TRIES)
    with pytest.raises(TemporaryError, match="anew"):
        list(place.files())


def test_who_may_not_delete_is_told_how_to_be_allowed(
    dropbox: LoopbackDropbox, place: Place, waits: list[float]
) -> None:
    with pytest.raises(StoreRefuses, match=r"files\.content\.write.*home login dropbox --may-delete`"):
        place.delete(VIDEO)
    assert len(dropbox.stored()) == 1
    assert waits == [], "waiting does not mend that"


def test_the_cameras_login_cannot_read(dropbox: LoopbackDropbox, waits: list[float]) -> None:
    camera = opened(dropbox, waits, WRITE)
    for ask in (camera.files, camera.deleted, lambda: camera.read(VIDEO), lambda: camera.read(VIDEO, 1)):
        with pytest.raises(StoreRefuses, match=r"files\.[a-z]+\.read;.* run `pi-sec-cam home login dropbox`"):
            list(ask())


def test_a_login_that_was_ended_or_damaged_is_named(dropbox: LoopbackDropbox, place: Place) -> None:
    dropbox.tokens.disconnect_app()
    with pytest.raises(StoreRefuses, match=r"revoked.*`pi-sec-cam home login dropbox`"):
        list(place.files())
    for text in ("", "{", "[]", "null", "{}", '{"app_key": "a"}', '{"app_key": "a", "refresh_token": 1}'):
        owner_login_path().write_text(text)
        with pytest.raises(KeyUnusable, match=r"owner_dropbox\.json.*home login dropbox"):
            open_place("dropbox:")


def test_names_are_those_that_were_given_in_capitals_too(dropbox: LoopbackDropbox, place: Place) -> None:
    dropbox.files.delete({"path": f"/{VIDEO}"})
    [found] = place.deleted("yard")
    assert found.path == VIDEO
    assert b"".join(place.read_deleted(found)) == CHUNK


def test_more_revisions_than_dropbox_gives_at_once(dropbox: LoopbackDropbox, place: Place) -> None:
    for number in range(101):
        dropbox.files.upload("files/upload", {"path": f"/{VIDEO}", "mode": "overwrite"}, b"%d" % number)
    found = list(place.deleted(VIDEO))
    assert [file.bytes for file in found] == [len(b"%d" % number) for number in range(99, -1, -1)] + [len(CHUNK)]
    assert len({file.version for file in found}) == len(found)
    assert len(dropbox.requests("files/")) == 2, "of one file, nothing else is asked"
    assert list(place.deleted(VIDEO.rpartition("/")[0])) == found
