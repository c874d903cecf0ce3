"""The kinds of values that configuration keys take, each with what it allows in plain words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

# The pins of the 40-pin header that are GPIOs, by their number on the board; the others carry power or ground.
BOARD_PINS = (
    3,
    5,
    7,
    8,
    10,
    11,
    12,
    13,
    15,
    16,
    18,
    19,
    21,
    22,
    23,
    24,
    26,
    27,
    28,
    29,
    31,
    32,
    33,
    35,
    36,
    37,
    38,
    40,
)

_STRFTIME = re.compile(r"%(?:[-_0^#]?[EO]?[aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZf%])?")
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

# Moments of three days and three times of a day, to try patterns on; only formatted, so their zone means nothing.
SAMPLES = tuple(
    datetime(2026, month, day, *time)  # noqa: DTZ001
    for month, day in ((1, 4), (2, 13), (10, 31))
    for time in ((2, 3, 5), (9, 15, 0), (17, 42, 58))
)


class Section(BaseModel):
    """A JSON object of the file: unknown keys refused, no conversion between types, not to be changed once read."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a key allows, in words that continue "must be …"; for kinds that cannot be described from the type."""

    text: str


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of a number, for the reference."""

    text: str


@dataclass(frozen=True, slots=True)
class Secret:
    """Marks a key whose value is never shown."""


def _text(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    if len(value) > 1000:
        raise ValueError("is longer than 1000 characters")
    if _UNSHOWABLE.search(value):
        raise ValueError("must not contain line breaks or other control characters")
    return value


def _folder_name(value: str) -> str:
    _text(value)
    if "/" in value or "\\" in value:
        raise ValueError("must not contain / or \\ (it is the name of one folder)")
    if value.startswith("."):
        raise ValueError("must not begin with a dot (it is the name of a folder that people should see)")
    if value.strip() != value or not value.isprintable():
        raise ValueError("must not begin or end with a space, nor contain characters that cannot be seen")
    if len(value.encode()) > 200:
        raise ValueError("is too long for the name of a folder (200 bytes at most)")
    return value


def _date_pattern(value: str) -> str:
    if len(value) > 100:
        raise ValueError("is longer than 100 characters")
    for directive in _STRFTIME.findall(value):
        if directive == "%":
            raise ValueError("has a % that begins no strftime code; a plain % is written %%")
    if _UNSHOWABLE.search(value):
        raise ValueError("must not contain line breaks or other control characters")
    return value


_TAKEN = frozenset({"evidence", "rehearsal"})  # docs/evidence.md; keys rehearse


def _folder_pattern(value: str) -> str:
    _date_pattern(value)
    if not value.strip("/"):
        raise ValueError("must not be empty")
    for name in {name for sample in SAMPLES for name in sample.strftime(value).split("/") if name}:
        try:
            _folder_name(name)
        except ValueError as error:
            raise ValueError(f'gives the folder name "{name}", which {error}') from None
        if name in _TAKEN:
            raise ValueError(f'gives the folder name "{name}", which a camera uses off-site for other things')
    return value


def local_path(value: str, folder: Path) -> Path:
    """A path as the configuration means it: `~` is the home folder, a relative one begins at `folder`."""
    _text(value)
    try:
        return folder / Path(value).expanduser()
    except RuntimeError:
        raise ValueError("begins with ~, but the home folder is not known; write the whole path") from None


def folder_of(info: ValidationInfo) -> Path:
    """The folder of the configuration file that is being read; the current one for values that come from none."""
    context: Any = info.context
    return context["folder"] if context else Path.cwd()


def _local_path(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str | Path):  # a Path comes from a default or from a caller in Python
        raise PydanticCustomError("string_type", "text")
    return local_path(str(value), folder_of(info))


def _area(polygon: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Refuses what encloses nothing (shoelace formula)."""
    following = [*polygon[1:], polygon[0]]
    if abs(sum(x * v - u * y for (x, y), (u, v) in zip(polygon, following, strict=True))) < 1e-6:
        raise ValueError("encloses no area")
    return polygon


def _pin(value: int) -> int:
    if value not in BOARD_PINS:
        raise ValueError(f"is no GPIO pin; these are: {', '.join(map(str, BOARD_PINS))}")
    return value


def _half_turns(value: object) -> object:
    """Python takes false for 0 and 180.0 for 180; a configuration does not."""
    if value is not None and type(value) is not int:
        raise PydanticCustomError("int_type", "a whole number")
    return value


Text = Annotated[str, AfterValidator(_text), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 1000})]
SecretText = Annotated[Text, Secret()]
FolderName = Annotated[
    str,
    AfterValidator(_folder_name),
    Allowed("text that can name a folder: no / or \\, no dot before it, no space at either end, 200 bytes at most"),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[^/\\.][^/\\]*$"}),
]
DatePattern = Annotated[
    str,
    AfterValidator(_date_pattern),
    Allowed("text with strftime codes, 100 characters at most"),
    WithJsonSchema({"type": "string", "maxLength": 100}),
]
FolderPattern = Annotated[
    str,
    AfterValidator(_folder_pattern),
    Allowed("text with strftime codes that gives the name of a folder, or of several with / between them"),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 100, "pattern": r"^[^\\]+$"}),
]
LocalPath = Annotated[
    Path,
    PlainValidator(_local_path),
    Allowed("a path (~ is the home folder; a relative path begins at the folder of the configuration file)"),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 1000}),
]
BoardPin = Annotated[
    int,
    AfterValidator(_pin),
    Allowed("the board number of a GPIO pin (" + ", ".join(map(str, BOARD_PINS)) + ")"),
    WithJsonSchema({"type": "integer", "enum": list(BOARD_PINS)}),
]
Rotation = Annotated[
    Literal[0, 180] | None,
    BeforeValidator(_half_turns),
    Allowed("0 or 180 (a quarter turn is not possible: turn the camera itself)"),
    Unit("°"),
]
Angle = Annotated[float, Field(ge=0, le=180), Unit("°")]
_Fraction = Annotated[float, Field(ge=0, le=1)]
_Point = Annotated[tuple[_Fraction, _Fraction], Field(strict=False), Allowed("[x, y]: two numbers from 0 to 1")]
# strict=False lets a JSON list be a tuple; what stands in it stays strict.
Polygon = Annotated[
    tuple[_Point, ...],
    Field(strict=False, min_length=3, max_length=100),
    AfterValidator(_area),
    Allowed("a list of at least 3 points [x, y]"),
]
Polygons = Annotated[
    tuple[Polygon, ...],
    Field(strict=False, max_length=50),
    Allowed("a list of polygons, each a list of at least 3 points [x, y] with numbers from 0 to 1"),
]
_Even = Annotated[int, Field(ge=64, le=4096, multiple_of=2)]
VideoSize = Annotated[
    tuple[_Even, _Even],
    Field(strict=False),
    Allowed("[width, height]: two even whole numbers from 64 to 4096"),
    Unit("pixels"),
]
