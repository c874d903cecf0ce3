"""At the daemon's start: finishes what a crash or power cut left unfinished, and makes files and catalogue agree."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pi_sec_cam.errors import EventProtected, StorageError
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.catalogue import Catalogue
from pi_sec_cam.record.deletion import finish_deletion, remove_hidden
from pi_sec_cam.record.event_record import EventRecord, RecordTooNew
from pi_sec_cam.record.repair import repair

log = logging.getLogger(__name__)

_AT_ONCE = 200  # events that go to the catalogue in one transaction


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is to do, as ids where it says nothing else.

    Attributes:
        unsettled: event folders that are to be looked into.
        outdated: those among them that the catalogue knows as finished, but perhaps not in their newest state.
        bare: empty directories that were made for an event.
        gone: events of the catalogue whose folder is not there any more.
        hidden: events whose deletion had begun, some of whose files are left.
        deleting: the events that are marked in the catalogue as being deleted.
        sequences: of the rows that there were: a new event may get the name of one that is gone.
    """

    unsettled: tuple[str, ...]
    outdated: tuple[str, ...]
    bare: tuple[str, ...]
    gone: tuple[str, ...]
    hidden: tuple[str, ...]
    deleting: tuple[EventRecord, ...]
    sequences: Mapping[str, int]


@dataclass(slots=True)
class Recovered:
    """What was done, as ids.

    Attributes:
        added: finished events that the catalogue lacked.
        updated: finished events of which the catalogue may have known an older state.
        interrupted: events that were cut short; now repaired and listed.
        removed: folders in which no picture had arrived.
        gone: rows without a folder, dropped.
        deleted: events whose deletion had begun, and now is done.
        failed: could not be dealt with now; nothing was lost, the next start tries again.
    """

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    interrupted: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def survey(
    archive: Archive,
    catalogue: Catalogue,
    *,
    on_progress: Callable[[], None] = lambda: None,
    stopping: Callable[[], bool] = lambda: False,
) -> Survey:
    """See what is to be done, quickly: finished events that the catalogue knows are not opened.

    What is unfinished and not recorded by this process (`Archive.running`) has nobody who will finish it.

    Args:
        on_progress: called for each folder.
        stopping: whether to give up; then nothing is to be done now.

    Raises:
        StorageError: the recordings or the catalogue cannot be read.
    """
    sequences = catalogue.sequences()  # first: what is replaced from here on is another event
    states = catalogue.states()
    deleting = catalogue.deleting()
    known = {event_id for event_id, state in states.items() if state != "recording"}
    outdated = known.intersection(catalogue.outdated())
    known -= outdated
    known.update(record.id for record in deleting)
    unsettled, bare, hidden, unreadable = [], [], [], []
    missing = set(states)
    for kind, event_id in archive.places(known):
        on_progress()
        if stopping():
            return Survey((), (), (), (), (), (), {})
        if kind == "hidden":
            hidden.append(event_id)
            continue
        missing.discard(event_id)
        if event_id in archive.running:
            continue
        if kind == "event":
            unsettled.append(event_id)
        elif kind == "bare" and archive.trigger_wall(event_id) is not None:
            bare.append(event_id)
        elif kind == "unreadable":
            log.warning("cannot look into %s; what is in it stays as it is", archive.folder(event_id).path)
            unreadable.append(event_id)
    gone = [event_id for event_id in missing if not any(event_id.startswith(f"{top}/") for top in unreadable)]
    return Survey(
        tuple(unsettled), tuple(outdated), tuple(bare), tuple(gone), tuple(hidden), tuple(deleting), sequences
    )


def recover(
    archive: Archive,
    catalogue: Catalogue,
    found: Survey | None = None,
    *,
    on_progress: Callable[[], None] = lambda: None,
    stopping: Callable[[], bool] = lambda: False,
) -> Recovered:
    """Do what is to be done; `found` may be some time old, recording may go on meanwhile.

    No picture that was ever written whole is deleted. What goes wrong with one event is logged and does not keep
    the others from being dealt with.

    Args:
        on_progress: called for each event: repairing a long one on a slow card takes its time.
        stopping: whether to do no more; what is left is found again by the next survey.

    Raises:
        StorageError: the recordings cannot be read, or the catalogue cannot be read or written.
    """
    found = found or survey(archive, catalogue, on_progress=on_progress, stopping=stopping)
    done = Recovered()
    records: list[EventRecord] = []
    for record in _settle(archive, found, done, on_progress, stopping):
        records.append(record)
        if len(records) == _AT_ONCE:
            catalogue.put_all(records)
            records.clear()
    catalogue.put_all(records)
    for event_id in found.bare:
        on_progress()
        if stopping():
            break
        try:
            archive.folder(event_id).path.rmdir()
        except OSError:
            continue  # in use by now
        done.removed.append(event_id)
    dropped = found.sequences.keys() & {*found.gone, *done.removed}
    catalogue.delete({event_id: found.sequences[event_id] for event_id in dropped})
    done.gone.extend(found.gone)
    _finish_deletions(archive, catalogue, found, done, on_progress, stopping)
    _report(done)
    return done


def _settle(
    archive: Archive,
    found: Survey,
    done: Recovered,
    on_progress: Callable[[], None],
    stopping: Callable[[], bool],
) -> Iterator[EventRecord]:
    """The records of unsettled events, after their files have been put in order."""
    for event_id in found.unsettled:
        on_progress()
        if stopping():
            return
        folder = archive.folder(event_id)
        try:
            before, after = repair(folder, archive.trigger_wall(event_id))
            finished = after is not None and after == before
            if finished and event_id in found.outdated:
                # With a revision above all that were announced, the row counts as true again.
                after = folder.update_record(_as_it_is)
        except RecordTooNew as error:
            log.warning("%s", error)
            done.failed.append(event_id)
        except OSError as error:
            log.warning("cannot repair %s: %s; the next start tries again", folder.path, error)
            done.failed.append(event_id)
        except Exception:  # what others have put there, no thread but this one looks into; it must not end it
            log.exception("cannot repair %s: please report this; the next start tries again", folder.path)
            done.failed.append(event_id)
        else:
            if after is None:
                done.removed.append(event_id)
                continue
            archive.sequence.reach(after.sequence)
            if finished:
                (done.updated if event_id in found.outdated else done.added).append(event_id)
            else:
                done.interrupted.append(event_id)
                log.warning("%s was interrupted; %.1f s of it are kept", event_id, after.duration_s)
            yield after


def _as_it_is(standing: EventRecord | None) -> EventRecord:
    if standing is None:
        raise StorageError("its event.json is gone")
    return standing


def _finish_deletions(
    archive: Archive,
    catalogue: Catalogue,
    found: Survey,
    done: Recovered,
    on_progress: Callable[[], None],
    stopping: Callable[[], bool],
) -> None:
    marked = {record.id: record for record in found.deleting}
    for event_id in dict.fromkeys((*found.hidden, *marked)):
        on_progress()
        if stopping():
            return
        try:
            remove_hidden(archive, archive.folder(event_id))
            if event_id in marked:
                finish_deletion(archive, catalogue, marked[event_id])
        except (StorageError, EventProtected) as error:
            log.warning("deleting %s, which was begun before, is not finished: %s", event_id, error)
            done.failed.append(event_id)
        except Exception:  # as in `_settle`
            log.exception("deleting %s, which was begun before, is not finished: please report this", event_id)
            done.failed.append(event_id)
        else:
            done.deleted.append(event_id)


def _report(done: Recovered) -> None:
    if done.added:
        log.info("listed %d events", len(done.added))
    if done.removed:
        log.info("removed %d folders in which no picture had arrived", len(done.removed))
    if done.deleted:
        log.info("finished deleting %d events", len(done.deleted))
    if done.gone:
        log.warning("dropped %d events from the catalogue whose folders are gone", len(done.gone))
