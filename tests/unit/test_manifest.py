"""The note of what was asked for."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pi_sec_cam.errors import StorageError
from pi_sec_cam.home.manifest import NAME, Manifest, ManifestOfOthers, ManifestUnreadable, read_manifest
from pi_sec_cam.home.selection import Selection

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


def test_several_fetches_add_up(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    Manifest().with_fetch("dropbox:", Selection(("Yard/a",)), ["Yard/a/1"], NOON).write(tmp_path)
    first = read_manifest(tmp_path)
    assert first is not None
    first.with_fetch("s3://b", Selection(cameras=("Door",), begin=NOON), ["Door/a/1", "Yard/a/1"], NOON).write(tmp_path)
    both = read_manifest(tmp_path)
    assert both is not None
    assert both.events == {"Yard/a/1", "Door/a/1"}
    assert both.places == {"dropbox:", "s3://b"}
    assert [fetch["what"] for fetch in both.fetches] == [["Yard/a"], "everything"]
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "said",
    [
        "",
        "{",
        "[]",
        "null",
        '{"version": 1}',
        '{"version": 1, "events": [1], "fetches": []}',
        '{"version": 1, "events": [], "fetches": [1]}',
        '{"version": "1", "events": [], "fetches": []}',
        "[" * 100_000,
        "\x80",
    ],
)
def test_a_damaged_note_is_said_and_what_to_do(tmp_path: Path, said: str) -> None:
    (tmp_path / NAME).write_text(said, encoding="latin-1")
    with pytest.raises(ManifestUnreadable, match="another folder"):
        read_manifest(tmp_path)


def test_a_later_versions_note_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(json.dumps({"version": 2, "events": [], "fetches": []}))
    with pytest.raises(ManifestUnreadable, match="later version"):
        read_manifest(tmp_path)


def test_a_note_that_came_with_the_footage_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Manifest().with_fetch("dropbox:", Selection(), ["Yard/a/1", "Yard/a/2"], NOON)
    ours.write(tmp_path)
    said = json.loads((tmp_path / NAME).read_text())
    assert said["mark"]
    for other in (
        {name: value for name, value in said.items() if name != "mark"},
        said | {"events": ["Yard/a/1"]},
        said | {"fetches": [{"place": "s3://pruned"}]},
        said | {"mark": "0" * 64},
        said | {"mark": "é"},
        said | {"mark": 1},
    ):
        (tmp_path / NAME).write_text(json.dumps(other))
        with pytest.raises(ManifestOfOthers, match="not written by you"):
            read_manifest(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / NAME).write_text(json.dumps(said))
    assert read_manifest(tmp_path / "elsewhere") == ours, "a folder may be moved"
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other computer"))
    with pytest.raises(ManifestOfOthers):
        read_manifest(tmp_path / "elsewhere")


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(StorageError):
        read_manifest(tmp_path)
    with pytest.raises(StorageError):
        Manifest().write(tmp_path / "gone")
