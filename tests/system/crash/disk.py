"""A disk that keeps for sure only what was synced: what a directory may look like after a power cut.

As strict as POSIX allows a file system to be. A file's bytes and size are durable once that file was synced, a name
once the directory that holds it was: syncing a file does nothing for its name, syncing a directory nothing for what is
in its files. Of what was not synced the disk may have kept any part, but

- a change of names (creating, renaming, removing) happens as a whole or not at all;
- changes that concern the same name happen in their order.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

Tree = dict[str, "Tree | bytes"]


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes at an offset; what lies between the file's end and the offset becomes zeros."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resize:
    """The file's new size: cut, or filled with zeros."""

    size: int


@dataclass(eq=False, slots=True)
class File:
    """A file, whatever its name: what is durable of it, and what was done since."""

    durable: bytes = b""
    pending: list[Write | Resize] = field(default_factory=list)

    def sync(self) -> None:
        """What was done is durable."""
        self.durable = changed(self.durable, self.pending)
        self.pending.clear()


@dataclass(eq=False, slots=True)
class Directory:
    """A directory: the names that are durable, the changes since, and the names as a program sees them.

    A change says which names are set, and with None which are taken away.
    """

    durable: "dict[str, File | Directory]" = field(default_factory=dict)
    pending: "list[NameChange]" = field(default_factory=list)
    names: "dict[str, File | Directory]" = field(default_factory=dict)

    def change(self, change: "NameChange") -> None:
        """Set and take away names, all of them at once."""
        self.pending.append(change)
        self.names = renamed(self.names, [change])

    def sync(self) -> None:
        """What was done is durable."""
        self.durable = dict(self.names)
        self.pending.clear()


NameChange = dict[str, File | Directory | None]


class Fate(Protocol):
    """Decides what of the changes that were not synced has reached the disk."""

    def of_data(self, pending: Sequence[Write | Resize]) -> Sequence[Write | Resize]:
        """Of one file's."""

    def of_names(self, pending: Sequence[NameChange]) -> Sequence[NameChange]:
        """Of one directory's."""


class Nothing:
    """The worst disk: only what was synced is there."""

    def of_data(self, pending: Sequence[Write | Resize]) -> Sequence[Write | Resize]:
        return ()

    def of_names(self, pending: Sequence[NameChange]) -> Sequence[NameChange]:
        return ()


class Everything:
    """No power cut at all, only the end of the program: all that it did is there."""

    def of_data(self, pending: Sequence[Write | Resize]) -> Sequence[Write | Resize]:
        return pending

    def of_names(self, pending: Sequence[NameChange]) -> Sequence[NameChange]:
        return pending


class Chance:
    """A disk that wrote some of it early, in any order, and was in the middle of a write."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def of_data(self, pending: Sequence[Write | Resize]) -> Sequence[Write | Resize]:
        kept = [change for change in pending if self._chance.random() < 0.5]
        if kept and isinstance(torn := kept[-1], Write):
            kept[-1] = Write(torn.offset, torn.data[: self._chance.randint(0, len(torn.data))])
        return kept

    def of_names(self, pending: Sequence[NameChange]) -> Sequence[NameChange]:
        kept: list[NameChange] = []
        lost: set[str] = set()
        for change in pending:
            if self._chance.random() < 0.5 and lost.isdisjoint(change):
                kept.append(change)
            else:
                lost |= change.keys()
        return kept


def changed(data: bytes, changes: Sequence[Write | Resize]) -> bytes:
    """The bytes of a file after these changes."""
    content = bytearray(data)
    for change in changes:
        end = change.size if isinstance(change, Resize) else change.offset + len(change.data)
        content.extend(bytes(max(0, end - len(content))))
        if isinstance(change, Resize):
            del content[end:]
        else:
            content[change.offset : end] = change.data
    return bytes(content)


def renamed(names: dict[str, File | Directory], changes: Sequence[NameChange]) -> dict[str, File | Directory]:
    """The names in a directory after these changes."""
    after: NameChange = dict(names)
    for change in changes:
        after |= change
    return {name: node for name, node in after.items() if node is not None}


def after_power_cut(directory: Directory, fate: Fate) -> Tree:
    """What is found in the directory when the power is back."""
    tree: Tree = {}
    for name, node in renamed(directory.durable, fate.of_names(directory.pending)).items():
        if isinstance(node, Directory):
            tree[name] = after_power_cut(node, fate)
        else:
            tree[name] = changed(node.durable, fate.of_data(node.pending))
    return tree


def durable_directory(tree: Tree) -> Directory:
    """A directory in which all of `tree` has long been on the disk."""
    nodes: dict[str, File | Directory] = {
        name: File(node) if isinstance(node, bytes) else durable_directory(node) for name, node in tree.items()
    }
    return Directory(durable=dict(nodes), names=nodes)


def read_tree(path: Path) -> Tree:
    """A real directory's files and directories; links and the like are passed by."""
    entries = [entry for entry in path.iterdir() if entry.is_dir() or entry.is_file()]
    return {entry.name: read_tree(entry) if entry.is_dir() else entry.read_bytes() for entry in entries}


def write_tree(tree: Tree, path: Path) -> None:
    """Make a real directory of it."""
    path.mkdir()
    for name, node in tree.items():
        if isinstance(node, bytes):
            (path / name).write_bytes(node)
        else:
            write_tree(node, path / name)
