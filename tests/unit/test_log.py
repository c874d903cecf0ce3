"""No secret reaches stderr, be it in the log, in a traceback or in the message that ends a command."""

import logging
import os
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from pi_sec_cam.cli.log import log_to_stderr, without_secrets
from pi_sec_cam.cli.main import main
from pi_sec_cam.errors import ConfigError, PiSecCamError, SourceError

NASTY = [
    "rtsp://u:geheim@h/x",
    "rtsp://u:p@geheim@h/x",
    "rtsp://u:p/geheim@h/x",
    "rtsp://u:p?geheim@h/x",
    "rtsp://u:p#geheim@h/x",
    "rtsp://u:p:geheim@h/x",
    "rtsp://u:x://geheim@h/x",
    "rtsp://u:%20geheim%40@h/x",
    "RTSPS://:geheim@h",
    "http://h/x?user=u&password=geheim",
    "http://h/x?access_token=geheim#top",
    "http://u:geheim@h/x?pwd=geheim&a=b",
]


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("pi_sec_cam")
    before = root.handlers[:], root.level, own.level
    yield
    root.handlers[:], root.level, own.level = before


@pytest.mark.parametrize("address", NASTY)
@pytest.mark.parametrize(
    "text", ["{}", "cannot open '{}': timed out", "({})", "{},{}", "first {} then {}", "url={}\nand {}", "<{}>"]
)
def test_the_secret_of_every_address_is_hidden(text: str, address: str) -> None:
    shown = without_secrets(text.replace("{}", address))
    assert "geheim" not in shown
    assert shown.startswith(text.partition("{}")[0] + address.partition(":")[0])


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://cam:554/main is away since 10:15, told me@example.org",
        "Yard: http://cam/still@2x.jpg (http://user@cam/x) at 12:00",
        "a/b: c@d ://",
        "",
    ],
)
def test_what_holds_no_secret_stays(text: str) -> None:
    assert without_secrets(text) == text


def test_user_and_host_stay_readable() -> None:
    assert without_secrets("lost rtsp://me:p@ss@cam/x: reset") == "lost rtsp://me:***@cam/x: reset"


@pytest.mark.parametrize("journal", [True, False])
@pytest.mark.parametrize("address", NASTY)
def test_the_log_hides_secrets_in_tracebacks_too(
    address: str, journal: bool, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(2, "w", closefd=False) as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        found = os.fstat(2)
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}" if journal else "")
        log_to_stderr(verbose=False)
        try:
            raise OSError(f"cannot open {address}")
        except OSError:
            logging.getLogger("pi_sec_cam.camera").exception("%s is away", address)
    said = capfd.readouterr().err
    assert "geheim" not in said
    assert "is away" in said
    assert "Traceback" in said
    assert all(line.startswith("<3>") for line in said.splitlines()) is journal


@pytest.mark.parametrize("address", NASTY)
@pytest.mark.parametrize("kind", [SourceError, ConfigError])
def test_the_message_that_ends_a_command_hides_secrets(
    address: str, kind: type[PiSecCamError], monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    def fails() -> None:
        raise ConfigError(f"not {address}", (f"url: {address}",)) if kind is ConfigError else kind(f"not {address}")

    monkeypatch.setattr(type(main), "get_command", lambda *_: fails)
    done = CliRunner().invoke(main, ["fails"])
    assert done.exit_code == (2 if kind is ConfigError else 1)
    assert done.stderr.startswith("pi-sec-cam: not ")
    assert "geheim" not in done.output
