"""`events lock|unlock|label|note|delete` and `catalogue rebuild` as a user meets them, with and without a daemon."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.errors import EventProtected
from pi_sec_cam.local_socket import DaemonLock, LocalServer
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_record import EventRecord
from tests.unit.command_home import Home
from tests.unit.events import NOON


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def three(home: Home) -> list[EventRecord]:
    return [home.event(NOON + timedelta(hours=hour), camera=("Yard", "Front door", "Yard")[hour]) for hour in range(3)]


def listed(home: Home, event: EventRecord) -> dict[str, Any]:
    """What `events --json` says of it, which must be what its file says."""
    found = {each["id"]: each for each in json.loads(home.run("events", "--json").stdout)}[event.id]
    written = json.loads((home.directory / event.path / "event.json").read_bytes())
    said = ("locked", "labels", "note")
    assert [found[name] for name in said] == [written[name] for name in said]
    return dict(found)


def test_lock_and_unlock(home: Home, three: list[EventRecord]) -> None:
    result = home.run("events", "lock", three[0].id, "Front")
    assert (result.exit_code, result.stdout) == (0, f"locked {three[0].id}\nlocked {three[1].id}\n")
    assert [listed(home, event)["locked"] for event in three] == [True, True, False]
    assert home.run("events", "unlock", three[0].id, three[0].id).stdout == f"unlocked {three[0].id}\n"
    assert [listed(home, event)["locked"] for event in three] == [False, True, False]


def test_labels_and_note(home: Home, three: list[EventRecord]) -> None:
    assert home.run("events", "label", "last", "cat", "neighbour's cat").exit_code == 0
    assert home.run("events", "note", "last", "two\nlines").exit_code == 0
    assert listed(home, three[2])["labels"] == ["cat", "neighbour's cat"]
    assert listed(home, three[2])["note"] == "two\nlines"
    assert home.run("events", "label", "last", "cat", "never there", "--remove").exit_code == 0
    assert home.run("events", "note", "last", "").exit_code == 0
    assert listed(home, three[2])["labels"] == ["neighbour's cat"]
    assert listed(home, three[2])["note"] == ""


def test_the_configuration_may_be_named_before_or_after_the_subcommand(home: Home, three: list[EventRecord]) -> None:
    for arguments in (("-c", str(home.config), "lock"), ("lock", "-c", str(home.config))):
        assert home.run_plain("events", *arguments, "last").exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [("--json", "lock", "last"), ("--limit", "3", "delete", "last"), ("lock",), ("label", "last"), ("frobnicate",)],
)
def test_a_command_line_that_makes_no_sense_is_exit_2(
    home: Home, three: list[EventRecord], arguments: tuple[str, ...]
) -> None:
    result = home.run("events", *arguments)
    assert result.exit_code == 2
    assert not any(listed(home, event)["locked"] for event in three)


@pytest.mark.parametrize(
    "arguments",
    [("lock", "{0}", "Attic"), ("lock", "Yard"), ("label", "last", " blank "), ("note", "last", "x" * 10_001)],
)
def test_what_cannot_be_is_said_and_nothing_is_done(
    home: Home, three: list[EventRecord], arguments: tuple[str, ...]
) -> None:
    result = home.run("events", *(argument.format(three[0].id) for argument in arguments))
    assert result.exit_code == 1
    assert result.stderr.startswith("pi-sec-cam: ")
    for event in three:
        assert (listed(home, event)["locked"], listed(home, event)["labels"]) == (False, [])


def test_delete_with_yes(home: Home, three: list[EventRecord]) -> None:
    result = home.run("events", "delete", "--yes", three[0].id, "last")
    assert (result.exit_code, result.stdout) == (0, f"deleted {three[0].id}\ndeleted {three[2].id}\n")
    assert home.ids() == [three[1].id]
    assert not (home.directory / three[0].path).exists()
    assert not (home.directory / "recordings/Yard").exists()


def test_what_is_deleted_while_nothing_runs_does_not_leave_at_the_next_start(
    home: Home, three: list[EventRecord]
) -> None:
    """Neither under another name in a store, nor to one that is not configured any more, nor what is half written."""
    gone, stays = (event.path.removeprefix("recordings/") for event in three[1:])
    outbox = home.directory / "outbox"
    for place in (f"one/{gone}", f"two/{gone}-2", f".writing/{gone}", f".journals/{gone}", f"one/{stays}"):
        (outbox / place).mkdir(parents=True)
        (outbox / place / "video0.h264").write_bytes(b"sealed")
    pointer = {"event": gone, "folder": gone}
    (outbox / f"two/{gone}-2/.event").write_text(json.dumps(pointer))
    assert home.run("events", "delete", three[1].id, "--yes").exit_code == 0
    assert [path.relative_to(outbox).as_posix() for path in outbox.rglob("*") if path.is_file()] == [
        f"one/{stays}/video0.h264"
    ]


def test_delete_asks_on_a_terminal(home: Home, three: list[EventRecord]) -> None:
    shown = home.run_in_terminal("events", "delete", "last", typed="n\n", exit_code=1)
    assert three[2].id in shown
    assert len(home.ids()) == 3
    assert f"deleted {three[2].id}" in home.run_in_terminal("events", "delete", "last", typed="y\n")
    assert len(home.ids()) == 2


def test_delete_without_a_terminal_needs_yes(home: Home, three: list[EventRecord]) -> None:
    result = home.run("events", "delete", "last")
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert len(home.ids()) == 3


def test_delete_takes_no_part_of_an_id(home: Home, three: list[EventRecord]) -> None:
    result = home.run("events", "delete", "--yes", "Front")
    assert result.exit_code == 1
    assert three[1].id in result.stderr
    assert len(home.ids()) == 3


def test_delete_refuses_what_is_locked_and_says_how_to_unlock(home: Home, three: list[EventRecord]) -> None:
    home.run("events", "lock", "last")
    result = home.run("events", "delete", "--yes", "last")
    assert result.exit_code == 1
    assert f"pi-sec-cam events unlock {three[2].id}" in result.stderr
    assert len(home.ids()) == 3


def test_a_damaged_list_is_rebuilt(home: Home, three: list[EventRecord]) -> None:
    home.run("events", "lock", "last")
    home.archive.catalogue_path.write_bytes(b"no database" * 999)
    result = home.run("events")
    assert result.exit_code == 1
    assert "pi-sec-cam catalogue rebuild" in result.stderr
    rebuilt = home.run("catalogue", "rebuild")
    assert (rebuilt.exit_code, rebuilt.stdout) == (0, "3 events\n")
    assert [listed(home, event)["locked"] for event in three] == [False, False, True]
    with sqlite3.connect(home.archive.catalogue_path) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_without_recordings_there_is_nothing_to_rebuild_from(home: Home) -> None:
    result = home.run("catalogue", "rebuild")
    assert result.exit_code == 1
    assert not home.directory.exists()


@contextmanager
def daemon(home: Home, **commands: Callable[..., object]) -> Iterator[None]:
    """One that has the storage, and answers."""
    with DaemonLock(home.directory) as lock:
        server = LocalServer(lock.socket_path, commands)
        server.start()
        try:
            yield
        finally:
            server.stop()
            server.join(5)


def test_a_running_daemon_is_asked(home: Home, three: list[EventRecord]) -> None:
    asked: list[dict[str, Any]] = []

    def annotate(**arguments: Any) -> object:
        asked.append(arguments)
        return {"event": arguments["event"]}

    def delete(event: str) -> object:
        raise EventProtected(f"{event} is locked")

    with daemon(home, annotate=annotate, delete=delete):
        assert home.run("events", "lock", "last", three[0].id).exit_code == 0
        assert home.run("events", "label", "last", "cat").exit_code == 0
        assert home.run("events", "label", "last", "dog", "--remove").exit_code == 0
        assert home.run("events", "note", "last", "\N{CAT}" * 10_000).exit_code == 0
        refused = home.run("events", "delete", "--yes", "last")
        assert (refused.exit_code, refused.stderr) == (1, f"pi-sec-cam: {three[2].id} is locked\n")
    assert asked == [
        {"event": three[2].id, "locked": True},
        {"event": three[0].id, "locked": True},
        {"event": three[2].id, "add_labels": ["cat"]},
        {"event": three[2].id, "remove_labels": ["dog"]},
        {"event": three[2].id, "note": "\N{CAT}" * 10_000},
    ]
    assert not listed(home, three[2])["locked"]  # the daemon's work, which this one did not do


@pytest.mark.parametrize("error", [None, "the disk is full"])
def test_a_rebuild_by_the_daemon_is_waited_for(home: Home, error: str | None) -> None:
    home.archive.prepare()
    asked = []
    states = iter(
        [
            {"rebuilding": True, "rebuilt": {"events": 3, "error": None}},  # that one was before
            {"rebuilding": False, "rebuilt": {"events": 7, "error": error}},
        ]
    )

    def rebuild() -> object:
        asked.append("rebuild")
        return {}

    def status() -> object:
        return {"storage": next(states)}

    with daemon(home, rebuild=rebuild, status=status):
        result = home.run("catalogue", "rebuild")
    assert asked == ["rebuild"]
    if error is None:
        assert (result.exit_code, result.stdout) == (0, "7 events\n")
    else:
        assert (result.exit_code, result.stderr) == (1, f"pi-sec-cam: {error}\n")


def test_a_storage_that_somebody_uses_who_does_not_answer_is_left_alone(home: Home, three: list[EventRecord]) -> None:
    with DaemonLock(home.directory):
        result = home.run("events", "lock", "last")
    assert result.exit_code == 1
    assert "in use" in result.stderr
    assert not listed(home, three[2])["locked"]


def test_an_event_that_only_the_files_know_can_be_locked(home: Home, three: list[EventRecord]) -> None:
    archive = Archive(home.directory)
    with Catalogue(archive.catalogue_path) as catalogue:
        catalogue.delete({three[0].id: three[0].sequence})
    assert home.run("events", "lock", three[0].id).exit_code == 0
    assert listed(home, three[0])["locked"]
