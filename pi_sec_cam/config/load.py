"""Reading a configuration: file → text → values → models → rules between keys; all faults are reported at once."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pi_sec_cam.config.configuration import Configuration
from pi_sec_cam.config.faults import Fault, faults_of
from pi_sec_cam.config.json_text import BrokenJson, parse_json
from pi_sec_cam.config.rules import clashes
from pi_sec_cam.config.shape import Loc, kind_at, stand_in
from pi_sec_cam.config.wording import value_text
from pi_sec_cam.errors import ConfigError

_LARGEST_FILE = 1_000_000  # bytes; a real one has a few thousand


def load_configuration(path: Path) -> Configuration:
    """The configuration in a file; relative paths in it begin at the file's folder.

    Raises:
        ConfigError: with one line for each fault, or with the reason why the file could not be read.
    """
    name = str(path).encode(errors="replace").decode()  # a name that is not UTF-8 could not be printed
    return parse_configuration(_read(path, name), folder=path.absolute().parent, name=name)


def parse_configuration(text: str, *, folder: Path, name: str = "the configuration") -> Configuration:
    """The configuration in a text; `folder` is where relative paths in it begin, `name` what errors call it.

    Raises:
        ConfigError: with one line for each fault.
    """
    try:
        tree, doubled = parse_json(text.removeprefix("\ufeff"))
    except BrokenJson as error:
        raise ConfigError(f"{name} is not valid JSON", (str(error),)) from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{name} cannot be used: it must hold an object {{ … }}, but holds {value_text(tree)}")
    tree.setdefault("storage", {})  # so that its default folder is made whole here, not by the model alone
    faults = [Fault(loc, "this key stands more than once; keep one of them", (loc,)) for loc in doubled]
    whole = _validate(tree, {"folder": folder}, faults)
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise ConfigError(f"{name} cannot be used: {count}", tuple(map(str, faults)))
    return whole


def _validate(tree: dict[str, Any], context: dict[str, Path], faults: list[Fault]) -> Configuration:
    """The configuration; adds what is wrong to `faults`.

    Where keys are at fault, the rules between keys are tried on the rest: on a copy in which each faulty value
    gave way to a valid one. What hangs on such a value is not reported.
    """
    try:
        whole = Configuration.model_validate(tree, context=context)
    except ValidationError as error:
        of_keys = faults_of(error.errors(), tree)
        faults += of_keys
        mended = deepcopy(tree)
        for fault in of_keys:
            _mend(mended, fault.spoils[0], unknown=fault.unknown)
        whole = Configuration.model_validate(mended, context=context)
    spoilt = [loc for fault in faults for loc in fault.spoils]
    faults += [Fault(clash.loc, clash.text, (clash.loc,)) for clash in clashes(whole, spoilt)]
    return whole


def _mend(tree: dict[str, Any], loc: Loc, *, unknown: bool) -> None:
    """Puts a valid value where a faulty one stands: an example where the key has one, else its default."""
    holder: Any = tree
    node: Any = tree
    place: Loc = ()
    for depth, part in enumerate(loc):
        kind = kind_at(loc[: depth + 1])
        # Numbers in a list have no default of their own: the whole list gives way.
        if isinstance(node, dict) or (isinstance(node, list) and kind is not None and kind.sections):
            holder, place = node, loc[: depth + 1]
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            break
    kind, last = kind_at(place), place[-1]
    if unknown or kind is None or (kind.field is not None and not (kind.field.examples or kind.field.is_required())):
        holder.pop(last, None)
    else:
        holder[last] = stand_in(kind)


def _read(path: Path, name: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        raise ConfigError(f"{name}: there is no such file; name the configuration with -c FILE") from None
    except IsADirectoryError:
        raise ConfigError(f"{name} is a folder; name the configuration file in it") from None
    except PermissionError:
        raise ConfigError(f"{name} may not be read by this user; change its owner or its mode") from None
    except OSError as error:
        raise ConfigError(f"{name} cannot be read: {error.strerror or error}") from None
    if len(data) > _LARGEST_FILE:
        raise ConfigError(f"{name} is larger than {_LARGEST_FILE:,} bytes: this is no configuration")
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise ConfigError(f"{name} is written in UTF-16; save it as UTF-8")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name} is not written in UTF-8 (line {line}); save it as UTF-8") from None
