"""The loopback Dropbox is as strict as the real one: what the other tests rely on, asked by the real SDK."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import dropbox as sdk
import pytest
from dropbox.exceptions import ApiError, AuthError, BadInputError
from dropbox.files import CommitInfo, UploadSessionCursor, WriteMode

from tests.loopback_dropbox.server import LoopbackDropbox
from tests.loopback_dropbox.tokens import OWNER_SCOPES


def client(dropbox: LoopbackDropbox, *scopes: str) -> Any:
    return sdk.Dropbox(dropbox.tokens.new_access_token(*scopes), max_retries_on_error=0, max_retries_on_rate_limit=0)


def listed(page: Any) -> list[str]:
    return [entry.path_display for entry in page.entries]


def test_a_write_only_token_can_add_and_delete_and_can_read_nothing(dropbox: LoopbackDropbox) -> None:
    camera = client(dropbox)
    camera.files_upload(b"one", "/a/b")
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: camera.files_list_folder("/a"), "files.metadata.read"),
        (lambda: camera.files_download("/a/b"), "files.content.read"),
        (camera.users_get_current_account, "account_info.read"),
        (camera.check_user, "account_info.read"),
    ]
    for call, scope in refused:
        with pytest.raises(AuthError) as caught:
            call()
        assert caught.value.error.get_missing_scope().required_scope == scope
    camera.files_delete_v2("/a")
    assert dropbox.stored() == {}


def test_its_owner_can_list_and_read(dropbox: LoopbackDropbox) -> None:
    client(dropbox).files_upload(b"one", "/a/b/c")
    owner = client(dropbox, *OWNER_SCOPES)
    assert listed(owner.files_list_folder("", recursive=True)) == ["/a", "/a/b", "/a/b/c"]
    assert listed(owner.files_list_folder("")) == ["/a"]
    assert owner.files_download("/A/b/c")[1].content == b"one"
    assert owner.check_user("echo").result == "echo"


def test_add_keeps_what_stands_and_the_other_modes_do_as_they_say(dropbox: LoopbackDropbox) -> None:
    camera = client(dropbox)
    first = camera.files_upload(b"one", "/a")
    assert camera.files_upload(b"one", "/a").rev == first.rev
    for refused in ({}, {"mode": WriteMode.update("0123456789")}):
        with pytest.raises(ApiError) as caught:
            camera.files_upload(b"two", "/a", **refused)
        assert caught.value.error.get_path().reason.get_conflict().is_file()
    with pytest.raises(ApiError):
        camera.files_upload(b"one", "/a", strict_conflict=True)
    assert camera.files_upload(b"two", "/a", autorename=True).path_display == "/a (1)"
    assert camera.files_upload(b"three", "/a", mode=WriteMode.update(first.rev)).rev != first.rev
    camera.files_upload(b"four", "/a", mode=WriteMode.overwrite)
    assert {path: file.data for path, file in dropbox.stored().items()} == {"/a": b"four", "/a (1)": b"two"}


def test_an_upload_session_checks_its_offsets_and_its_hashes(dropbox: LoopbackDropbox) -> None:
    camera = client(dropbox)
    session = camera.files_upload_session_start(b"one").session_id
    with pytest.raises(ApiError) as caught:
        camera.files_upload_session_append_v2(b"two", UploadSessionCursor(session, 2))
    assert caught.value.error.get_incorrect_offset().correct_offset == 3
    camera.files_upload_session_append_v2(b"two", UploadSessionCursor(session, 3))
    with pytest.raises(ApiError) as caught:
        camera.files_upload_session_start(b"one", content_hash="0" * 64)
    assert caught.value.error.is_content_hash_mismatch()
    assert dropbox.stored() == {}
    camera.files_upload_session_finish(b"!", UploadSessionCursor(session, 6), CommitInfo("/a"))
    assert dropbox.stored()["/a"].data == b"onetwo!"
    with pytest.raises(ApiError) as caught:
        camera.files_upload_session_finish(b"", UploadSessionCursor(session, 7), CommitInfo("/a"))
    assert caught.value.error.get_lookup_failed().is_not_found()


def test_what_is_too_large_is_refused(dropbox: LoopbackDropbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.loopback_dropbox.files.MOST_BYTES", 10)
    with pytest.raises(ApiError) as caught:
        client(dropbox).files_upload(bytes(11), "/a")
    assert caught.value.error.is_payload_too_large()


def test_input_that_is_wrong_is_said_in_plain_text(dropbox: LoopbackDropbox) -> None:
    camera = client(dropbox)
    with pytest.raises(BadInputError, match="did not match pattern"):
        camera.request_json_string("content", "files/upload", "upload", '{"path": "no slash"}', "user", b"one")
    with pytest.raises(BadInputError, match="unknown field"):
        camera.request_json_string("content", "files/upload", "upload", '{"path": "/a", "pth": 1}', "user", b"one")
    with pytest.raises(BadInputError, match="Content-Type"):
        camera.request_json_string("content", "files/upload", "rpc", '{"path": "/a"}', "user", None)
    with pytest.raises(BadInputError, match="Unknown API function"):
        camera.request_json_string("api", "files/uplaod", "rpc", "null", "user", None)
    with pytest.raises(BadInputError, match="malformed"):
        sdk.Dropbox("a.short.one").files_upload(b"one", "/a")


def test_it_runs_as_a_program_too() -> None:
    slow = {"latency_s": 0.3, "serialised": True, "bytes_per_s": 125000}
    commands = "".join(f"{json.dumps(command)}\n" for command in ({"set": slow}, {"stored": True}, {"stop": True}))
    program = [sys.executable, "-m", "tests.loopback_dropbox"]
    done = subprocess.run(program, input=commands, capture_output=True, text=True, timeout=30, check=False)
    first, *others = map(json.loads, done.stdout.splitlines())
    assert first["environment"]["DROPBOX_API_HOST"].startswith("localhost:")
    assert others == [[], []]
    assert (done.returncode, done.stderr) == (0, "")


def test_listings_come_in_pages_with_the_deleted_if_asked_for(dropbox: LoopbackDropbox) -> None:
    owner = client(dropbox, *OWNER_SCOPES)
    for name in ("/A/one", "/A/two", "/A/B/three"):
        owner.files_upload(name.encode(), name)
    dropbox.reading.most_entries = 2
    page = owner.files_list_folder("/a", recursive=True)
    assert page.has_more
    assert listed(page) == ["/A/B", "/A/B/three"]
    assert listed(owner.files_list_folder_continue(page.cursor)) == ["/A/one", "/A/two"]
    owner.files_delete_v2("/a/b")
    assert listed(owner.files_list_folder("/A", recursive=True)) == ["/A/one", "/A/two"]
    page = owner.files_list_folder("/A", recursive=True, include_deleted=True)
    assert [type(entry).__name__ for entry in page.entries] == ["DeletedMetadata"] * 2
    with pytest.raises(ApiError) as caught:
        owner.files_list_folder("/A/B", include_deleted=True)
    assert caught.value.error.get_path().is_not_found()
    with pytest.raises(ApiError) as caught:
        owner.files_list_folder_continue("no cursor of mine")
    assert caught.value.error.is_reset()


def test_what_was_overwritten_or_deleted_has_revisions_that_can_be_read(dropbox: LoopbackDropbox) -> None:
    owner = client(dropbox, *OWNER_SCOPES)
    for data in (b"one", b"two", b"three"):
        owner.files_upload(data, "/a/b", mode=WriteMode.overwrite)
    page = owner.files_list_revisions("/A/b", limit=2)
    assert ([entry.size for entry in page.entries], page.is_deleted, page.has_more) == ([5, 3], False, True)
    page = owner.files_list_revisions("/A/b", before_rev=page.entries[-1].rev)
    assert owner.files_download(f"rev:{page.entries[0].rev}")[1].content == b"one"
    with pytest.raises(ApiError):
        owner.files_delete_v2("/a/b", parent_rev=page.entries[0].rev)
    owner.files_delete_v2("/a/b")
    page = owner.files_list_revisions("/a/b")
    assert (len(page.entries), page.is_deleted) == (3, True)
    assert page.server_deleted > page.entries[0].server_modified
    owner.files_delete_v2("/a")
    with pytest.raises(ApiError) as caught:
        owner.files_list_revisions("/a")
    assert caught.value.error.get_path().is_not_file()


def test_a_part_of_a_file_can_be_had(dropbox: LoopbackDropbox) -> None:
    client(dropbox).files_upload(b"0123456789", "/a")
    owner = client(dropbox, *OWNER_SCOPES).clone(headers={"Range": "bytes=7-"})
    found, answer = owner.files_download("/a")
    assert (found.size, answer.status_code, answer.content) == (10, 206, b"789")
