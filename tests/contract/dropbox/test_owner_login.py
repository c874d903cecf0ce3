"""The owner's own login at Dropbox, from the first question to the end; the cameras' logins are left alone."""

import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pi_sec_cam.cli.main import main
from pi_sec_cam.home.owner_login import (
    READ_SCOPES,
    OwnerLogin,
    keep_owner_login,
    owner_login_path,
    read_owner_login,
)
from pi_sec_cam.offsite.stores.dropbox import DropboxStore
from tests.contract.dropbox.person import answered
from tests.contract.dropbox.trial import put
from tests.loopback_dropbox.server import LoopbackDropbox
from tests.loopback_dropbox.tokens import APP_KEY, OWNER_SCOPES, WRITE


@pytest.fixture(autouse=True)
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Somebody's own; the folder for configurations is not there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / ".config"))
    return tmp_path


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(main, ["home", *arguments], input=typed)


def browser(dropbox: LoopbackDropbox) -> Callable[[str], str]:
    return lambda said: dropbox.tokens.approve(re.findall(r"https://\S+/oauth2/authorize\S+", said)[-1])


def a_login(dropbox: LoopbackDropbox, *scopes: str) -> OwnerLogin:
    token = dropbox.tokens.new_refresh_token(*scopes)
    return OwnerLogin(app_key=APP_KEY, refresh_token=token, account=None, made="2026-05-04", scopes=scopes)


def test_a_login_step_by_step(dropbox: LoopbackDropbox, computer: Path) -> None:
    dropbox.tokens.app_scopes = OWNER_SCOPES
    camera = dropbox.tokens.new_refresh_token()
    typed = [f" {APP_KEY} ", browser(dropbox)]
    code, said = answered(["home", "login", "dropbox"], typed, {}, computer)
    assert code == 0, said
    assert "never belongs on a\ncamera" in said
    assert all(scope in said for scope in READ_SCOPES)
    login = read_owner_login()
    assert login is not None
    assert login.refresh_token not in said
    assert dropbox.tokens.grants[login.refresh_token] == login.scopes == READ_SCOPES
    path = owner_login_path()
    assert path.is_relative_to(computer)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert dropbox.stored() == {}

    told = run("show")
    assert told.exit_code == 0, told.output
    assert all(text in told.output for text in (APP_KEY, dropbox.tokens.account_id, *READ_SCOPES, "works        yes"))
    assert re.search("may delete +no", told.output)
    assert login.refresh_token not in told.output

    told = run("logout")
    assert told.exit_code == 0, told.output
    assert not path.exists()
    assert login.refresh_token not in dropbox.tokens.grants
    put(DropboxStore(refresh_token=camera, app_key=APP_KEY))
    assert run("logout").exit_code == 0
    told = run("show")
    assert told.exit_code == 1
    assert "home login dropbox" in told.output


def test_a_login_that_may_delete_takes_the_place_of_the_one_before(dropbox: LoopbackDropbox, computer: Path) -> None:
    dropbox.tokens.app_scopes = OWNER_SCOPES
    before = a_login(dropbox, *READ_SCOPES)
    keep_owner_login(before)
    arguments = ["home", "login", "dropbox", "--app-key", APP_KEY, "--may-delete"]
    code, said = answered(arguments, [browser(dropbox)], {}, computer)
    assert code == 0, said
    login = read_owner_login()
    assert login is not None
    assert set(login.scopes) == {*READ_SCOPES, WRITE}
    assert before.refresh_token not in dropbox.tokens.grants


def test_a_login_that_lacks_a_permission_is_not_kept(dropbox: LoopbackDropbox, monkeypatch: pytest.MonkeyPatch) -> None:
    dropbox.tokens.app_scopes = OWNER_SCOPES
    before = set(dropbox.tokens.grants)
    monkeypatch.setattr(
        "pi_sec_cam.offsite.dropbox_login.Authorisation.finish",
        lambda walk, _: (a_login(dropbox, READ_SCOPES[0]), (READ_SCOPES[0],)),
    )
    told = run("login", "dropbox", "--app-key", APP_KEY, typed="a code\n")
    assert told.exit_code == 1
    assert "lacks files.content.read" in told.output
    assert read_owner_login() is None
    assert set(dropbox.tokens.grants) == before, "what is of no use is not left valid"


def test_without_dropbox_nothing_is_ended_and_nothing_deleted(dropbox: LoopbackDropbox) -> None:
    keep_owner_login(a_login(dropbox, *READ_SCOPES))
    dropbox.go_away()
    told = run("logout")
    assert told.exit_code == 1
    assert "connected_apps" in told.output
    assert owner_login_path().exists()
    assert run("show").exit_code == 1
    dropbox.come_back()
    assert run("logout").exit_code == 0
    assert not owner_login_path().exists()


def test_a_revoked_login_is_shown_as_one(dropbox: LoopbackDropbox) -> None:
    keep_owner_login(a_login(dropbox, *READ_SCOPES))
    dropbox.tokens.disconnect_app()
    told = run("show")
    assert told.exit_code == 1
    assert "revoked" in told.output
    assert "home login dropbox" in told.output
    assert "works" not in told.output
    told = run("logout")
    assert told.exit_code == 0
    assert "not valid any more" in told.output


def test_there_is_nothing_to_log_in_to_for_s3() -> None:
    told = run("login", "s3")
    assert told.exit_code == 2
    assert "dropbox" in told.output


def test_the_configuration_of_a_user_is_where_the_system_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    for named in ("", "relative/is/no/place"):
        monkeypatch.setenv("XDG_CONFIG_HOME", named)
        assert owner_login_path() == Path("/home/somebody/.config/pi-sec-cam/owner_dropbox.json")
