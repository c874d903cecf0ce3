"""The strict disk that the crash tests rely on: keeps what was synced, and anything but more of what was not."""

from pathlib import Path

import pytest

from tests.system.crash.disk import (
    Chance,
    Directory,
    Everything,
    File,
    Nothing,
    Resize,
    Tree,
    Write,
    after_power_cut,
    changed,
    durable_directory,
    read_tree,
    write_tree,
)


def chances(directory: Directory, count: int = 200) -> list[Tree]:
    return [after_power_cut(directory, Chance(seed)) for seed in range(count)]


def test_bytes_without_their_name_are_lost_and_a_name_without_bytes_is_empty() -> None:
    disk = durable_directory({})
    synced, named = File(), File()
    disk.change({"named": named})
    disk.sync()
    disk.change({"synced": synced})
    for file in (synced, named):
        file.pending.append(Write(0, b"bytes"))
    synced.sync()
    assert after_power_cut(disk, Nothing()) == {"named": b""}
    assert after_power_cut(disk, Everything()) == {"named": b"bytes", "synced": b"bytes"}


def test_a_rename_happens_as_a_whole_or_not_at_all() -> None:
    disk = durable_directory({"old": b"1", "other": b"2"})
    disk.change({"old": None, "new": disk.names["old"]})
    assert after_power_cut(disk, Nothing()) == {"old": b"1", "other": b"2"}
    found = chances(disk)
    assert {"new": b"1", "other": b"2"} in found
    assert all(tree in ({"new": b"1", "other": b"2"}, {"old": b"1", "other": b"2"}) for tree in found)
    disk.sync()
    assert after_power_cut(disk, Nothing()) == {"new": b"1", "other": b"2"}


def test_names_come_in_any_order_but_not_changes_of_the_same_name() -> None:
    disk = durable_directory({"a": b"old"})
    disk.change({"a": None})
    disk.change({"b": File(b"b")})
    disk.change({"a": File(b"new")})
    found = chances(disk)
    states = [{}, {"a": b"old"}, {"a": b"new"}]
    expected = [state | more for state in states for more in ({}, {"b": b"b"})]
    assert all(tree in expected for tree in found)
    assert all(tree in found for tree in expected)


def test_of_unsynced_writes_any_may_be_there_and_the_last_of_them_torn() -> None:
    disk = durable_directory({"file": b"old"})
    file = disk.names["file"]
    assert isinstance(file, File)
    file.pending += [Write(3, b"xx"), Write(5, b"yy")]
    found = {tree["file"] for tree in chances(disk)}
    assert found == {b"old", b"oldx", b"oldxx", b"oldxxy", b"oldxxyy", b"old\0\0", b"old\0\0y", b"old\0\0yy"}


def test_a_directory_may_be_there_without_its_files_but_not_they_without_it() -> None:
    disk = durable_directory({})
    inner = Directory()
    disk.change({"inner": inner})
    inner.change({"file": File(b"1")})
    assert all(tree in ({}, {"inner": {}}, {"inner": {"file": b"1"}}) for tree in chances(disk))
    inner.sync()
    assert after_power_cut(disk, Nothing()) == {}
    disk.sync()
    assert after_power_cut(disk, Nothing()) == {"inner": {"file": b"1"}}


def test_the_same_seed_is_the_same_fate() -> None:
    disk = durable_directory({})
    for number in range(20):
        disk.change({str(number): File(b"1")})
    assert after_power_cut(disk, Chance(5)) == after_power_cut(disk, Chance(5)) != after_power_cut(disk, Chance(6))


@pytest.mark.parametrize(
    ("change", "after"),
    [(Resize(2), b"ab"), (Resize(5), b"abc\0\0"), (Write(1, b"XY"), b"aXY"), (Write(4, b"Z"), b"abc\0Z")],
)
def test_files_are_cut_filled_and_overwritten(change: Write | Resize, after: bytes) -> None:
    assert changed(b"abc", [change]) == after


def test_a_tree_goes_to_a_real_directory_and_back(tmp_path: Path) -> None:
    tree: Tree = {"a": b"1", "inner": {"b": b"", "empty": {}}}
    write_tree(tree, tmp_path / "made")
    assert read_tree(tmp_path / "made") == tree
    assert after_power_cut(durable_directory(tree), Nothing()) == tree
