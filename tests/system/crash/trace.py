"""Reads what strace wrote of a program: its calls that change files, in order, with all bytes."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

# A question mark: not every processor has the call.
CALLS = (
    "?open,openat,?creat,close,write,pwrite64,writev,pwritev,?pwritev2,lseek,ftruncate,truncate,fallocate,"
    "copy_file_range,sendfile,fsync,fdatasync,sync,syncfs,sync_file_range,"
    "?rename,renameat,?renameat2,?link,linkat,?symlink,symlinkat,?unlink,unlinkat,?mkdir,mkdirat,?rmdir"
)
# Strings in hexadecimal and of any length.
OPTIONS = ("-f", "-xx", "-s", "100000000", "-e", "signal=none", "-e", f"trace={CALLS}")

_LINE = re.compile(r"(?P<task>[0-9]+) +(?P<rest>.*)")
_RESUMED = re.compile(r"<\.\.\. [a-z0-9_]+ resumed>")
_CALL = re.compile(r"(?P<name>[a-z0-9_]+)\((?P<arguments>.*)\) += (?P<result>-?[0-9]+|\?)")
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


class Call(NamedTuple):
    """One finished call: its arguments as bytes where they are strings, else as strace words them; -1 if it failed."""

    name: str
    arguments: tuple[str | bytes, ...]
    result: int


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """The calls, as they ended.

    Raises:
        ValueError: a line that is not understood.
    """
    begun: dict[str, str] = {}  # by thread: a call that another thread's line came between
    for line in lines:
        found = _LINE.fullmatch(line.rstrip("\n"))
        if found is None:
            raise ValueError(f"not a line of strace -f: {line[:200]}")
        task, rest = found["task"], found["rest"]
        if rest.startswith(("+++", "---")):
            continue
        if rest.endswith("<unfinished ...>"):
            begun[task] = rest.removesuffix("<unfinished ...>")
            continue
        if resumed := _RESUMED.match(rest):
            rest = begun.pop(task) + rest[resumed.end() :]
        call = _CALL.match(rest)
        if call is None:
            raise ValueError(f"not a call: {rest[:200]}")
        if call["result"] != "?":  # the program's end came first
            arguments = tuple(_argument(text.strip()) for text in call["arguments"].split(", "))
            yield Call(call["name"], arguments, int(call["result"]))


def _argument(text: str) -> str | bytes:
    string = _STRING.fullmatch(text)
    return bytes.fromhex(string[1].replace("\\x", "")) if string else text
