"""What the Dropbox store writes, and under which names it cannot."""

import json
import os
import subprocess
import sys

import pytest

from pi_sec_cam.errors import NameTaken, PermanentError, StoreRefuses, TemporaryError
from pi_sec_cam.offsite.stores.dropbox import DropboxStore, content_hash
from tests.contract.dropbox.trial import PATH, UPLOAD, put, refusal
from tests.loopback_dropbox.server import LoopbackDropbox


def test_the_sdk_and_what_it_needs_is_imported_when_it_is_used() -> None:
    made = (
        "from pi_sec_cam.offsite.stores.dropbox import DropboxStore; DropboxStore(token='t'); import pi_sec_cam.offsite"
    )
    code = f"{made}.dropbox_login, sys; print([m for m in ('dropbox', 'requests', 'urllib3') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("size", [0, 1, 4 * 1024 * 1024, 4 * 1024 * 1024 + 1, 9_000_000])
def test_what_is_put_is_stored_byte_for_byte(dropbox: LoopbackDropbox, store: DropboxStore, size: int) -> None:
    data = os.urandom(size)
    put(store, data)
    assert dropbox.stored()[f"/{PATH}"].data == data
    assert dropbox.stored()[f"/{PATH}"].content_hash == content_hash(data)


def test_the_hash_is_the_one_of_dropboxs_documentation() -> None:
    # https://www.dropbox.com/developers/reference/content-hash: of no bytes at all, and by the SDK's own words.
    from dropbox.content_hash import content_hash as of_the_sdk

    for data in (b"", b"a", os.urandom(9_000_000)):
        assert content_hash(data) == of_the_sdk(data)


def test_files_are_only_ever_added(dropbox: LoopbackDropbox, store: DropboxStore) -> None:
    seen: list[dict[str, object]] = []
    upload = dropbox.files.upload
    dropbox.files.upload = lambda route, arg, body: seen.append(arg) or upload(route, arg, body)  # type: ignore[method-assign]
    put(store)
    assert seen == [
        {
            "path": f"/{PATH}",
            "mode": {".tag": "add"},
            "autorename": False,
            "mute": True,
            "strict_conflict": False,
            "content_hash": content_hash(b"sealed"),
        }
    ]


@pytest.mark.parametrize("name", ["Höfle ☃", "a b/c'd\"e", "x" * 200, "del\x7f", "😀"])
def test_a_cameras_name_may_be_any_that_dropbox_takes(dropbox: LoopbackDropbox, store: DropboxStore, name: str) -> None:
    put(store, path=f"{name}/2026-11-20/v0")
    assert list(dropbox.stored()) == [f"/{name}/2026-11-20/v0"]


def test_case_is_nothing_to_dropbox(dropbox: LoopbackDropbox, store: DropboxStore) -> None:
    put(store, b"one", path="Yard/a")
    put(store, b"one", path="yard/A")
    assert isinstance(refusal(store, b"two", path="yard/A"), NameTaken)
    assert dropbox.stored()["/Yard/a"].data == b"one"


@pytest.mark.parametrize("path", ["a/thumbs.db", "a\\b/c", f"{'n' * 256}/c"])
def test_a_name_that_dropbox_never_takes_is_said(store: DropboxStore, path: str) -> None:
    error = refusal(store, path=path)
    assert isinstance(error, PermanentError)
    assert not isinstance(error, NameTaken)
    assert path in str(error)


def test_a_file_in_the_place_of_a_folder_is_left_alone(dropbox: LoopbackDropbox, store: DropboxStore) -> None:
    put(store, b"file", path="Yard")
    error = refusal(store)
    assert isinstance(error, PermanentError)
    assert "a file stands where a folder" in str(error)
    put(store, path="Door/a/v0")
    assert isinstance(refusal(store, path="Door/a"), NameTaken)
    assert list(dropbox.stored()) == ["/Yard", "/Door/a/v0"]


def test_bytes_that_are_altered_on_the_way_are_not_stored(
    dropbox: LoopbackDropbox, store: DropboxStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = dropbox.files.upload
    monkeypatch.setattr(dropbox.files, "upload", lambda route, arg, body: upload(route, arg, b"X" + body[1:]))
    error = refusal(store)
    assert type(error) is TemporaryError
    assert "altered" in str(error)
    assert dropbox.stored() == {}


def test_a_full_account_is_said(dropbox: LoopbackDropbox, store: DropboxStore) -> None:
    dropbox.files.space_bytes = 10
    error = refusal(store, bytes(11))
    assert isinstance(error, StoreRefuses)
    assert "full" in str(error)
    put(store, bytes(10))


def test_warming_up_leaves_nothing_to_be_done_but_the_upload(dropbox: LoopbackDropbox, store: DropboxStore) -> None:
    store.warm()
    assert dropbox.stored() == {}
    before = {request.connection for request in dropbox.requests()}
    asked = len(dropbox.requests())
    put(store)
    assert [request.route for request in dropbox.requests()[asked:]] == [UPLOAD]
    assert dropbox.requests()[-1].connection in before


def test_what_is_sent_is_not_copied(dropbox: LoopbackDropbox) -> None:
    measured = """if True:
        import json, os, resource, sys
        from pi_sec_cam.offsite.stores.dropbox import DropboxStore
        store = DropboxStore(token=sys.argv[1])
        store.put("a/1", b"small", interrupted=lambda: False)
        data = os.urandom(100_000_000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        store.put("a/2", data, interrupted=lambda: False)
        print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
    """
    token = dropbox.tokens.new_access_token()
    arguments = [sys.executable, "-c", measured, token]
    environment = {**os.environ, "CURL_CA_BUNDLE": "", **dropbox.environment}
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) < 20_000, "KiB more than before, for a file of 98,000 KiB"
