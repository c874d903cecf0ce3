"""A program's calls, as strace writes them down, played on the strict disk."""

from pathlib import Path

import pytest

from tests.system.crash.disk import Everything, Nothing, Tree, after_power_cut
from tests.system.crash.replay import Replay
from tests.system.crash.trace import Call, calls

ROOT = Path("/s")


def text(value: str) -> str:
    """As strace -xx writes it."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in value.encode()) + '"'


def play(lines: list[str], before: Tree | None = None) -> Replay:
    replay = Replay(ROOT, before or {})
    for call in calls(f"7 {line}\n" for line in lines):
        replay.step(call)
    return replay


def lost(replay: Replay) -> Tree:
    return after_power_cut(replay.disk, Nothing())


def seen(replay: Replay) -> Tree:
    return after_power_cut(replay.disk, Everything())


def new(path: str, descriptor: int = 3) -> str:
    return f"openat(AT_FDCWD, {text(path)}, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666) = {descriptor}"


def opened(path: str, descriptor: int = 4) -> str:
    return f"openat(AT_FDCWD, {text(path)}, O_RDONLY|O_CLOEXEC|O_DIRECTORY) = {descriptor}"


def write(data: str, descriptor: int = 3) -> str:
    return f"write({descriptor}, {text(data)}, {len(data)}) = {len(data)}"


def test_a_file_is_replaced_atomically_and_durably_only_with_all_its_syncs() -> None:
    begun = [new("/s/.a.new"), write("ne"), write("w")]
    synced = ["fsync(3) = 0", "close(3) = 0"]
    named = [f"rename({text('/s/.a.new')}, {text('/s/a')}) = 0"]
    durable = [opened("/s"), "fsync(4) = 0", "close(4) = 0"]
    before: Tree = {"a": b"old"}
    assert lost(play([*begun, *synced, *named], before)) == before
    assert lost(play([*begun, *synced, *named, *durable], before)) == {"a": b"new"}
    assert lost(play([*begun, *named, *durable], before)) == {"a": b""}
    assert seen(play([*begun, *named], before)) == {"a": b"new"}


def test_places_in_a_file() -> None:
    lines = [
        f"openat(AT_FDCWD, {text('/s/a')}, O_WRONLY) = 3",
        write("V"),
        write("X"),
        "lseek(3, 3, SEEK_SET) = 3",
        write("Y"),
        f"pwrite64(3, {text('ZZ')}, 2, 4) = 2",
        "ftruncate(3, 5) = 0",
    ]
    assert seen(play(lines, {"a": b"0123456789"})) == {"a": b"VX2YZ"}
    assert seen(play([f"truncate({text('/s/a')}, 2) = 0"], {"a": b"0123"})) == {"a": b"01"}
    assert lost(play([f"truncate({text('/s/a')}, 2) = 0"], {"a": b"0123"})) == {"a": b"0123"}


def test_opening_to_write_anew_empties_a_file_but_not_durably() -> None:
    replay = play([new("/s/a")], {"a": b"old"})
    assert seen(replay) == {"a": b""}
    assert lost(replay) == {"a": b"old"}
    assert lost(play([new("/s/a"), "fsync(3) = 0"], {"a": b"old"})) == {"a": b""}


def test_names_relative_to_an_open_directory() -> None:
    lines = [
        f"mkdir({text('/s/d')}, 0777) = 0",
        opened("/s/d", 5),
        f"mkdirat(5, {text('e')}, 0777) = 0",
        f"openat(5, {text('f')}, O_WRONLY|O_CREAT, 0666) = 6",
        f"renameat(5, {text('f')}, 5, {text('g')}) = 0",
        "fsync(5) = 0",
    ]
    assert seen(play(lines)) == {"d": {"e": {}, "g": b""}}
    assert lost(play(lines)) == {}
    removed = [
        f"unlinkat(5, {text('g')}, 0) = 0",
        f"unlinkat(5, {text('e')}, AT_REMOVEDIR) = 0",
        f"rmdir({text('/s/d')}) = 0",
        opened("/s", 8),
        "fsync(8) = 0",
    ]
    assert seen(play([*lines, *removed])) == lost(play([*lines, *removed])) == {}


def test_a_second_name_of_a_file_is_durable_with_its_own_directory() -> None:
    lines = [new("/s/a"), write("x"), "fsync(3) = 0", f"link({text('/s/a')}, {text('/s/d/b')}) = 0"]
    assert seen(play(lines, {"d": {}})) == {"a": b"x", "d": {"b": b"x"}}
    assert lost(play(lines, {"d": {}})) == {"d": {}}
    lines += [opened("/s/d", 8), "fsync(8) = 0", f"linkat(8, {text('b')}, AT_FDCWD, {text('/s/c')}, 0) = 0"]
    assert lost(play([*lines, f"unlink({text('/s/a')}) = 0"], {"d": {}})) == {"d": {"b": b"x"}}
    assert seen(play([*lines, f"unlink({text('/s/a')}) = 0"], {"d": {}})) == {"c": b"x", "d": {"b": b"x"}}


def test_a_descriptor_that_is_given_out_anew_belongs_to_the_new_file() -> None:
    lines = [new("/s/a"), "close(3) = 0", new("/elsewhere"), write("x"), "fsync(3) = 0"]
    assert seen(play(lines)) == {"a": b""}


def test_what_fails_or_lies_elsewhere_changes_nothing() -> None:
    lines = [
        f"unlink({text('/s/a')}) = -1 ENOENT (No such file or directory)",
        f"unlink({text('/somewhere/a')}) = 0",
        f"unlink({text('a')}) = 0",
        "fsync(9) = 0",
        "+++ exited with 0 +++",
    ]
    assert seen(play(lines, {"a": b"1"})) == {"a": b"1"}


def test_a_file_moves_to_another_directory() -> None:
    assert seen(play([f"rename({text('/s/a')}, {text('/s/d/b')}) = 0"], {"a": b"1", "d": {}})) == {"d": {"b": b"1"}}


def test_what_the_program_says_is_heard() -> None:
    assert play([write("one\n", 1), write("not this", 2), write("two\n", 1)]).said == b"one\ntwo\n"


def test_a_call_that_another_thread_interrupts_counts_when_it_ends() -> None:
    lines = ["7 fsync(3 <unfinished ...>\n", "8 close(5) = 0\n", "7 <... fsync resumed>) = 0\n"]
    assert list(calls(lines)) == [Call("close", ("5",), 0), Call("fsync", ("3",), 0)]


@pytest.mark.parametrize("line", ["what is this", "7 what is this"])
def test_a_line_that_is_not_understood_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="what is this"):
        list(calls([line]))


@pytest.mark.parametrize(
    "line",
    [
        f"link({text('/s/a')}, {text('/elsewhere')}) = 0",
        f"rename({text('/s/a')}, {text('/elsewhere/a')}) = 0",
        "sendfile(3, 9, NULL, 10) = 10",
        f"openat(AT_FDCWD, {text('/s/a')}, O_WRONLY|O_APPEND) = 3",
        f"openat(AT_FDCWD, {text('/s/a')}, O_RDWR) = 3\n7 {write('x')}",
    ],
)
def test_a_call_of_which_the_disk_has_no_idea_is_refused(line: str) -> None:
    with pytest.raises(NotImplementedError):
        play([new("/s/a"), *line.split("\n7 ")], {"d": {}})
