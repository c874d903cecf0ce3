"""Which configuration a command uses, wherever on the command line it is named."""

from pathlib import Path

import pytest

from tests.unit.command_home import Home
from tests.unit.events import record
from tests.unit.mp4_files import write

COMMANDS = [
    ["events", "--json"],
    ["events", "lock", "last"],
    ["events", "lock", "no such event"],
    ["catalogue", "rebuild"],
    ["status"],
    ["stop"],
    ["check"],
    ["storage"],
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    made = Home(tmp_path)
    made.event()
    return made


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_configuration_may_be_named_before_or_after_any_part_of_the_command(home: Home, command: list[str]) -> None:
    named = ["-c", str(home.config)]
    places = [[*command[:at], *named, *command[at:]] for at in range(2 if command[1:2] != ["lock"] else 3)]
    said = [home.run_plain(*words) for words in places]
    assert len({(result.exit_code, result.output) for result in said}) == 1
    assert "camera_config.json" not in said[0].output, "the one that is used without naming one"


def test_the_one_that_is_named_last_counts(home: Home) -> None:
    (home.config.parent / "other").mkdir()
    other = write(home.config.parent / "other/config.json", b"{}")
    assert home.run_plain("-c", str(other), "events", "-c", str(home.config), "lock", "last").exit_code == 0
    assert home.archive.folder(record().id).path.is_dir()
    assert home.run_plain("-c", str(home.config), "events", "-c", str(other), "lock", "last").exit_code == 1


def test_without_one_the_usual_places_are_looked_at(home: Home) -> None:
    assert "camera_config.json" in home.run_plain("events").output
