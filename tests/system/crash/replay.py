"""Plays a program's calls on the strict disk, call by call."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tests.system.crash.disk import Directory, File, Resize, Tree, Write, durable_directory
from tests.system.crash.trace import Call

_STDOUT = "1"


@dataclass(slots=True)
class _Open:
    node: File | Directory
    offset: int = 0
    reads: bool = False  # which moves the place where it writes, and is not traced


class Replay:
    """What a program has made of one directory so far.

    Paths must be absolute or relative to an open directory. Calls that concern files elsewhere are passed by.

    Args:
        root: the directory, as the program calls it.
        before: what was in it, and durable, when the program began.

    Attributes:
        disk: the directory on the strict disk.
        said: what the program has written to its standard output.
    """

    def __init__(self, root: Path, before: Tree) -> None:
        self.disk = durable_directory(before)
        self.said = b""
        self._root = PurePosixPath(root)
        self._open: dict[str, _Open] = {}

    def step(self, call: Call) -> bool:
        """Play the next call; whether what a power cut leaves may be another now.

        Raises:
            NotImplementedError: the disk has no idea of that call.
        """
        name, arguments = call.name, call.arguments
        if call.result < 0:
            return False
        match name:
            case "open" | "openat" | "creat":
                return self._opened(call)
            case "close":
                self._open.pop(_text(arguments[0]), None)
                return False
            case "write" | "pwrite64" | "lseek":
                return self._moved(call)
            case "ftruncate":
                return self._changed(self._open.get(_text(arguments[0])), Resize(int(_text(arguments[1]))))
            case "truncate":
                return self._changed(self._find(arguments[0]), Resize(int(_text(arguments[1]))))
            case "fsync" | "fdatasync":
                return self._synced(_text(arguments[0]))
            case "link" | "linkat":
                return self._linked(call)
            case "rename" | "renameat" | "renameat2" | "unlink" | "unlinkat" | "rmdir" | "mkdir" | "mkdirat":
                return self._renamed(call)
        if any(argument in self._open or self._concerned(argument) for argument in arguments):
            raise NotImplementedError(call)
        return False

    def _opened(self, call: Call) -> bool:
        at, path, *rest = call.arguments if call.name == "openat" else ("AT_FDCWD", *call.arguments)
        place = self._place(at, path)
        self._open.pop(str(call.result), None)
        if place is None:
            return False
        flags = _text(rest[0]).split("|") if call.name != "creat" else ["O_CREAT", "O_TRUNC"]
        if "O_APPEND" in flags:
            raise NotImplementedError(call)
        directory, name = place
        new = bool(name) and name not in directory.names
        if new:
            directory.change({name: File()})
        node = directory.names[name] if name else directory
        self._open[str(call.result)] = _Open(node, reads="O_RDWR" in flags)
        if "O_TRUNC" in flags and isinstance(node, File) and not new:
            node.pending.append(Resize(0))
        return new or "O_TRUNC" in flags

    def _moved(self, call: Call) -> bool:
        descriptor, *rest = call.arguments
        if call.name == "write" and descriptor == _STDOUT and isinstance(rest[0], bytes):
            self.said += rest[0][: call.result]
            return True
        file = self._open.get(_text(descriptor))
        if file is None:
            return False
        if call.name == "lseek":
            file.offset = call.result
            return False
        if call.name == "pwrite64":
            assert isinstance(rest[0], bytes)
            return self._changed(file, Write(int(_text(rest[2])), rest[0][: call.result]))
        if file.reads:
            raise NotImplementedError(call)
        begin, file.offset = file.offset, file.offset + call.result
        assert isinstance(rest[0], bytes)
        return self._changed(file, Write(begin, rest[0][: call.result]))

    def _changed(self, place: "_Open | None", change: Write | Resize) -> bool:
        if place is None:
            return False
        assert isinstance(place.node, File)
        place.node.pending.append(change)
        return True

    def _synced(self, descriptor: str) -> bool:
        file = self._open.get(descriptor)
        if file is None:
            return False
        file.node.sync()
        return True

    def _linked(self, call: Call) -> bool:
        old_at, old, new_at, new = call.arguments[:4] if call.name == "linkat" else self._with_at(call.arguments)
        known, place = self._place(old_at, old), self._place(new_at, new)
        if known is None and place is None:
            return False
        if known is None or place is None:
            raise NotImplementedError(call)
        place[0].change({place[1]: known[0].names[known[1]]})
        return True

    def _renamed(self, call: Call) -> bool:
        """Calls that change names. Those with "at" have a directory's descriptor before each path."""
        paths = list(call.arguments)
        if not call.name.endswith(("at", "at2")):
            paths = self._with_at(paths)
        places = [
            place
            for at, path in zip(paths[::2], paths[1::2], strict=False)
            if isinstance(path, bytes) and (place := self._place(at, path)) is not None
        ]
        if not places:
            return False
        directory, name = places[0]
        match call.name.removesuffix("2").removesuffix("at"):
            case "mkdir":
                directory.change({name: Directory()})
            case "unlink" | "rmdir":
                directory.change({name: None})
            case "rename" if len(places) == 2 and places[1][0] is directory:
                directory.change({name: None, places[1][1]: directory.names[name]})
            case "rename" if len(places) == 2:
                # Stricter than file systems are: either of the two may be lost without the other.
                places[1][0].change({places[1][1]: directory.names[name]})
                directory.change({name: None})
            case _:
                raise NotImplementedError(call)
        return True

    @staticmethod
    def _with_at(paths: Iterable[str | bytes]) -> list[str | bytes]:
        return [part for path in paths for part in ("AT_FDCWD", path)]

    def _concerned(self, argument: str | bytes) -> bool:
        return isinstance(argument, bytes) and self._place("AT_FDCWD", argument) is not None

    def _find(self, path: str | bytes) -> _Open | None:
        place = self._place("AT_FDCWD", path)
        return _Open(place[0].names[place[1]]) if place else None

    def _place(self, at: str | bytes, path: str | bytes) -> tuple[Directory, str] | None:
        """The directory and the name in it, "" for itself; None for what lies elsewhere."""
        assert isinstance(path, bytes)
        wanted = PurePosixPath(path.decode())
        if wanted.is_absolute():
            if not wanted.is_relative_to(self._root):
                return None
            wanted = wanted.relative_to(self._root)
            directory = self.disk
        else:
            known = self._open.get(_text(at))
            if known is None:
                return None
            assert isinstance(known.node, Directory)
            directory = known.node
        for part in wanted.parts[:-1]:
            node = directory.names[part]
            assert isinstance(node, Directory)
            directory = node
        return directory, wanted.name


def _text(argument: str | bytes) -> str:
    assert isinstance(argument, str)
    return argument
