"""What others than the recorder say of an event: the owner (lock, labels, note) and the stores (off-site)."""

from collections.abc import Callable, Collection
from dataclasses import replace

from pi_sec_cam.errors import AnnotationRefused, EventNotFound
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.event_record import EventRecord

_LONGEST_LABEL = 100
_MOST_LABELS = 100
_LONGEST_NOTE = 10_000


def annotate(
    archive: Archive,
    catalogue: Catalogue,
    event_id: str,
    *,
    locked: bool | None = None,
    add_labels: Collection[str] = (),
    remove_labels: Collection[str] = (),
    note: str | None = None,
) -> EventRecord:
    """Change what is given and leave the rest; durable on return, whatever the recorder writes meanwhile.

    Args:
        locked: whether the event is kept until somebody unlocks it.
        add_labels, remove_labels: labels that it has already, or has not, are no error.
        note: takes the place of the former one; "" for none.

    Returns:
        The event as it is now.

    Raises:
        EventNotFound: there is none with that id.
        AnnotationRefused: a label that is not 1 to 100 printable characters without blanks around them, more than 100
            labels, or a note of more than 10,000 characters or with control characters.
        StorageError: the disk's, or the catalogue's. If event.json has the words already, recovery lists them.
    """
    if not isinstance(locked, bool | None):
        raise AnnotationRefused(f"locked is true or false, not {locked!r}")
    for label in add_labels:
        _check_label(label)
    if note is not None:
        _check_note(note)

    def changed(standing: EventRecord) -> EventRecord:
        kept = [label for label in dict.fromkeys((*standing.labels, *add_labels)) if label not in remove_labels]
        if len(kept) > max(_MOST_LABELS, len(standing.labels)):
            raise AnnotationRefused(f"{event_id} would have {len(kept)} labels; {_MOST_LABELS} are allowed")
        return replace(
            standing,
            locked=standing.locked if locked is None else locked,
            labels=tuple(kept),
            note=standing.note if note is None else note,
        )

    return _say(archive, catalogue, event_id, changed)


def mark_offsite(archive: Archive, catalogue: Catalogue, event_id: str) -> EventRecord:
    """A store has all of the event; durable on return.

    Raises:
        EventNotFound: there is none with that id (any more).
        StorageError: the disk's, or the catalogue's.
    """
    return _say(archive, catalogue, event_id, lambda standing: replace(standing, offsite=True))


def _say(
    archive: Archive, catalogue: Catalogue, event_id: str, change: Callable[[EventRecord], EventRecord]
) -> EventRecord:
    """Announced in the catalogue, then in event.json, then in the catalogue."""

    def changed(standing: EventRecord | None) -> EventRecord:
        if standing is None:
            raise EventNotFound(f"no event {event_id}")
        record = change(standing)
        # The row of a finished event is believed without a look into its folder. A crash between file and row must
        # not leave it at that.
        catalogue.announce(event_id, standing.revision + 1)
        return record

    folder = archive.folder(event_id)
    record = folder.update_record(changed)
    catalogue.put(record)
    if not folder.path.exists():  # deleted just now, and its row perhaps before ours was put
        catalogue.delete({event_id: record.sequence})
        raise EventNotFound(f"no event {event_id}")
    return record


# What comes over a socket may be anything.


def _check_label(label: object) -> None:
    if not isinstance(label, str):
        raise AnnotationRefused(f"a label is a text, not {label!r}")
    if not 1 <= len(label) <= _LONGEST_LABEL or not label.isprintable() or label != label.strip():
        raise AnnotationRefused(
            f"{label[: _LONGEST_LABEL + 1]!r} cannot be a label: 1 to {_LONGEST_LABEL} printable characters, no blanks "
            "around them"
        )


def _check_note(note: object) -> None:
    if not isinstance(note, str):
        raise AnnotationRefused(f"a note is a text, not {note!r}")
    if len(note) > _LONGEST_NOTE:
        raise AnnotationRefused(f"a note has at most {_LONGEST_NOTE} characters; this one has {len(note)}")
    strange = next((character for character in note if not character.isprintable() and character not in "\n\t"), None)
    if strange is not None:
        raise AnnotationRefused(f"a note cannot hold {strange!r}: printable characters, line breaks and tabs only")
