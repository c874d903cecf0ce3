"""The camera's login at Dropbox from the first question to the end: got, kept, used, revoked."""

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pi_sec_cam.cli.main import main
from pi_sec_cam.clock import SystemClock
from pi_sec_cam.errors import KeyUnusable, StoreRefuses, TemporaryError
from pi_sec_cam.offsite.dropbox_login import Authorisation, Login, check_login, keep_login, read_login
from pi_sec_cam.offsite.stores.dropbox import DropboxStore
from pi_sec_cam.offsite.stores.dropbox_errors import CodeRefused
from tests.contract.dropbox.person import answered
from tests.contract.dropbox.trial import put, refusal
from tests.loopback_dropbox import answer
from tests.loopback_dropbox.faults import Fault
from tests.loopback_dropbox.server import LoopbackDropbox
from tests.loopback_dropbox.tokens import APP_KEY


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "c.json").write_text(json.dumps({"storage": {"directory": "footage"}}))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    return tmp_path


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["dropbox", arguments[0], "-c", str(home / "c.json"), *arguments[1:]])


def browser(dropbox: LoopbackDropbox) -> Callable[[str], str]:
    """Opens the last address that was said, allows it, and reads the code: with a blank, as people copy."""

    def approve(said: str) -> str:
        code = dropbox.tokens.approve(re.findall(r"https://\S+/oauth2/authorize\S+", said)[-1])
        return f" {code[:10]} {code[10:]} "

    return approve


def a_login(dropbox: LoopbackDropbox) -> Login:
    return Login(app_key=APP_KEY, refresh_token=dropbox.tokens.new_refresh_token(), account=None, made="2026")


def store_of(login: Login) -> DropboxStore:
    return DropboxStore(refresh_token=login.refresh_token, app_key=login.app_key)


def test_a_login_step_by_step(dropbox: LoopbackDropbox, home: Path) -> None:
    dropbox.faults.next(Fault("answer", "oauth2/token", answer.portal_page()))
    arguments = ["dropbox", "login", "-c", "c.json", "--keep", "for_home.json"]
    typed = [f" {APP_KEY} ", "in the wrong network", "a wrong code", browser(dropbox)]
    code, said = answered(arguments, typed, {}, home)
    assert code == 0, said
    assert "App folder" in said
    assert "files.content.write" in said
    assert "is not Dropbox" in said
    assert "does not take this code" in said
    assert "connected_apps" in said

    identity = home / "footage" / "identity"
    login = read_login(identity)
    assert login is not None
    assert login.refresh_token not in said
    assert (login.app_key, login.account) == (APP_KEY, dropbox.tokens.account_id)
    assert stat.S_IMODE(identity.stat().st_mode) == 0o700
    assert stat.S_IMODE((identity / "dropbox.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "for_home.json").stat().st_mode) == 0o600
    assert dropbox.tokens.grants[login.refresh_token] == ("files.content.write",)
    assert dropbox.stored() == {}, "trying it out leaves nothing behind"
    put(store_of(login))

    told = CliRunner().invoke(main, ["dropbox", "revoke", "--login", str(home / "for_home.json"), "-c", "no/such.json"])
    assert told.exit_code == 0, told.output
    assert "stays" in told.output
    assert not (home / "for_home.json").exists()
    assert isinstance(refusal(store_of(login)), StoreRefuses)
    assert len(dropbox.stored()) == 1

    told = run(home, "revoke")
    assert told.exit_code == 0, told.output
    assert "not valid any more" in told.output
    assert read_login(identity) is None
    told = run(home, "revoke")
    assert told.exit_code == 0, told.output
    assert "nothing to revoke" in told.output


def test_a_new_login_ends_the_one_before_and_a_store_at_work_takes_it_up(dropbox: LoopbackDropbox, home: Path) -> None:
    run(home, "login", "--app-key", APP_KEY)  # makes the storage; nobody answers
    before = a_login(dropbox)
    identity = keep_login(before, home / "footage").parent
    store = DropboxStore(login=lambda: read_login(identity))
    put(store)
    code, said = answered(["dropbox", "login", "-c", "c.json", "--app-key", APP_KEY], [browser(dropbox)], {}, home)
    assert code == 0, said
    assert "before is revoked" in said
    assert before.refresh_token not in dropbox.tokens.grants
    assert isinstance(refusal(store), StoreRefuses)
    put(store)
    store.close()


def test_a_login_that_may_not_write_is_not_kept(dropbox: LoopbackDropbox, home: Path) -> None:
    dropbox.faults.lasting(
        Fault(
            "answer",
            "files/upload_session",
            answer.unauthorised("missing_scope", required_scope="files.content.write").answer,
        )
    )
    code, said = answered(["dropbox", "login", "-c", "c.json", "--app-key", APP_KEY], [browser(dropbox)], {}, home)
    assert code == 1
    assert "files.content.write" in said.splitlines()[-1]
    assert read_login(home / "footage" / "identity") is None


def test_what_stands_in_the_way_is_said_before_anything_is_asked(home: Path) -> None:
    (home / "copy.json").touch()
    told = run(home, "login", "--keep", str(home / "copy.json"))
    assert told.exit_code == 2
    assert "exists already" in told.output
    told = run(home, "login", "--app-key", "sl.B-a-token-instead")
    assert told.exit_code == 2
    assert "no app key" in told.output
    (home / "footage" / "storage-id").write_text("f" * 32)
    told = run(home, "login", "--app-key", APP_KEY)
    assert told.exit_code == 1
    assert "another disk" in told.output
    assert "browser" not in told.output


def test_a_code_is_good_once_and_for_some_minutes(dropbox: LoopbackDropbox) -> None:
    walk = Authorisation(APP_KEY, SystemClock())
    code = dropbox.tokens.approve(walk.url)
    login, scopes = walk.finish(code)
    assert scopes == ("files.content.write",)
    check_login(login, SystemClock())
    with pytest.raises(CodeRefused):
        walk.finish(code)
    dropbox.tokens.code_secs = -1
    with pytest.raises(CodeRefused):
        walk.finish(dropbox.tokens.approve(walk.url))


def test_a_code_is_of_no_use_to_who_reads_over_the_shoulder(dropbox: LoopbackDropbox) -> None:
    code = dropbox.tokens.approve(Authorisation(APP_KEY, SystemClock()).url)
    with pytest.raises(CodeRefused):
        Authorisation(APP_KEY, SystemClock()).finish(code)


def test_an_app_that_does_not_exist_is_said(dropbox: LoopbackDropbox) -> None:
    with pytest.raises(StoreRefuses, match="app") as caught:
        Authorisation("another0app0key", SystemClock()).finish("any code")
    assert not isinstance(caught.value, CodeRefused)


def test_without_dropbox_nothing_is_revoked_and_nothing_deleted(dropbox: LoopbackDropbox, home: Path) -> None:
    (home / "footage").mkdir()
    (home / "footage" / "storage-id").write_text("0" * 32)
    path = keep_login(a_login(dropbox), home / "footage")
    dropbox.go_away()
    told = run(home, "revoke")
    assert told.exit_code == 1
    assert "connected_apps" in told.output
    assert path.exists()
    dropbox.come_back()
    assert run(home, "revoke").exit_code == 0
    assert not path.exists()


def test_a_login_in_the_configuration_is_revoked_too(dropbox: LoopbackDropbox, home: Path) -> None:
    token = dropbox.tokens.new_access_token(secs=float("inf"))
    (home / "c.json").write_text(json.dumps({"storage": {"directory": "footage"}, "dropbox": {"token": token}}))
    (home / "footage").mkdir()
    (home / "footage" / "storage-id").write_text("0" * 32)
    told = run(home, "revoke")
    assert told.exit_code == 0, told.output
    assert "take token and refresh_token out of" in told.output
    assert isinstance(refusal(DropboxStore(token=token)), StoreRefuses)


def test_a_copy_that_is_not_there_is_an_error(home: Path) -> None:
    told = run(home, "revoke", "--login", str(home / "mistyped.json"))
    assert told.exit_code == 1
    assert "mistyped.json" in told.output


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"app_key": 7, "refresh_token": "x"}', '{"app_key": "a"}']
)
def test_a_damaged_login_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "dropbox.json").write_text(text)
    with pytest.raises(KeyUnusable, match=r"dropbox\.json.*dropbox login"):
        read_login(tmp_path)


def test_a_new_login_takes_the_place_of_the_old(dropbox: LoopbackDropbox, tmp_path: Path) -> None:
    first, second = a_login(dropbox), a_login(dropbox)
    keep_login(first, tmp_path)
    path = keep_login(second, tmp_path)
    assert read_login(path.parent) == second
    assert [file.name for file in path.parent.iterdir()] == ["dropbox.json"]


@pytest.mark.parametrize("fault", [Fault("drop"), Fault("answer", answer=answer.portal_redirect())])
def test_a_login_that_cannot_be_tried_is_not_called_bad(dropbox: LoopbackDropbox, fault: Fault) -> None:
    dropbox.faults.next(fault)
    with pytest.raises(TemporaryError) as caught:
        check_login(a_login(dropbox), SystemClock())
    assert not isinstance(caught.value, StoreRefuses)
