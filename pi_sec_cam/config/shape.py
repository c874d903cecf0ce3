"""Which keys exist where in the file, and of what kind each is, read from the models."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from pi_sec_cam.config.configuration import Configuration
from pi_sec_cam.config.values import Allowed, Secret, Section, Unit

Loc = tuple[str | int, ...]
"""A place in the file: keys and list positions from the top."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The kind of value that belongs at a place.

    Attributes:
        types: the alternatives, without null: bool, int, float, str, Path, Literal[…], tuple[…] or a Section.
        notes: what was said about them: bounds, Allowed, Unit, Secret.
        field: the key's own declaration; None for an element of a list.
    """

    types: tuple[Any, ...]
    nullable: bool
    notes: tuple[object, ...]
    field: FieldInfo | None = None

    @property
    def sections(self) -> tuple[type[Section], ...]:
        """The objects that may stand here."""
        return tuple(t for t in self.types if isinstance(t, type) and issubclass(t, Section))

    @property
    def allowed(self) -> str | None:
        """The words of an Allowed note."""
        return next((note.text for note in self.notes if isinstance(note, Allowed)), None)

    @property
    def unit(self) -> str:
        """The unit of a number, or nothing."""
        return next((note.text for note in self.notes if isinstance(note, Unit)), "")

    @property
    def secret(self) -> bool:
        """Whether the value must not be shown."""
        return any(isinstance(note, Secret) for note in self.notes)

    def alternatives(self, value: object) -> tuple[type[Section], ...]:
        """The objects that a value in the file can be; several are told apart by their key `kind`."""
        if len(self.sections) == 1 or not isinstance(value, dict):
            return self.sections
        return tuple(one for one in self.sections if value.get("kind") in get_args(one.model_fields["kind"].annotation))

    def bound(self, name: str) -> Any:
        """A bound of the value ("ge", "gt", "le", "lt") or its length ("min_length", "max_length"), else None."""
        return next((value for note in self.notes if (value := getattr(note, name, None)) is not None), None)

    def element(self, index: int) -> "Kind | None":
        """The kind of a list's element."""
        for one in self.types:
            parts = get_args(one) if get_origin(one) is tuple else ()
            if len(parts) == 2 and parts[1] is Ellipsis:
                return _kind(parts[0])
            if index < len(parts):
                return _kind(parts[index])
        return None

    def key(self, name: str) -> "Kind | None":
        """The kind of an object's key; of one that several alternatives have, what any of them allows."""
        found = [kind for section in self.sections for key, kind in keys(section) if key == name]
        if len(found) < 2:
            return found[0] if found else None
        return Kind(
            tuple(one for kind in found for one in kind.types), found[0].nullable, found[0].notes, found[0].field
        )


def _kind(annotation: Any, notes: tuple[object, ...] = (), field: FieldInfo | None = None) -> Kind:
    if get_origin(annotation) is Annotated:
        annotation, *own = get_args(annotation)
        for note in own:
            notes += tuple(note.metadata) if isinstance(note, FieldInfo) else (note,)
        return _kind(annotation, notes, field)
    if get_origin(annotation) in {Union, UnionType}:
        options = [_kind(option) for option in get_args(annotation)]
        return Kind(
            tuple(one for option in options for one in option.types if one is not NoneType),
            any(NoneType in option.types for option in options),
            notes + tuple(note for option in options for note in option.notes),
            field,
        )
    return Kind((annotation,), False, notes, field)


def keys(section: type[Section]) -> Iterator[tuple[str, Kind]]:
    """The keys of an object as they are written in the file."""
    for name, field in section.model_fields.items():
        yield field.alias or name, _kind(field.annotation, tuple(field.metadata), field)


WHOLE = Kind((Configuration,), False, ())
"""The file itself."""


def kind_at(loc: Loc) -> Kind | None:
    """What belongs at a place; None where nothing does."""
    kind: Kind | None = WHOLE
    for part in loc:
        if kind is None:
            return None
        kind = kind.element(part) if isinstance(part, int) else kind.key(part)
    return kind


def is_secret(loc: Loc) -> bool:
    """Whether a place or one that it lies in must not be shown."""
    return any((kind := kind_at(loc[:length])) is not None and kind.secret for length in range(1, len(loc) + 1))


def stand_in(kind: Kind) -> Any:
    """A valid value for a key that must be there, from its examples."""
    for section in kind.sections[:1]:
        return {key: stand_in(own) for key, own in keys(section) if own.field is not None and own.field.is_required()}
    if kind.field is not None and kind.field.examples:
        return kind.field.examples[0]
    return next(get_args(one)[0] for one in kind.types if get_origin(one) is Literal)
