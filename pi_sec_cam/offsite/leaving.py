"""What waits for one store, in which order it leaves, and what is given up first (docs/outbox.md)."""

from collections.abc import Callable, Iterable, Iterator

from pi_sec_cam.offsite.journal import number_of
from pi_sec_cam.offsite.outgoing import Urgency
from pi_sec_cam.offsite.waiting import WaitingEvent, WaitingFile

Ready = Callable[[WaitingFile], bool]
Age = Callable[[WaitingFile], float]

VIDEO: frozenset[Urgency] = frozenset({"live", "pre-roll"})
_RANK: dict[Urgency, int] = {"picture": 0, "evidence": 1}


class Queue:
    """What waits for one store, the oldest event first. Not locked: whoever has it sees to that.

    Attributes:
        files, bytes: how many wait, and how large they are together.
    """

    def __init__(self) -> None:
        self.files = 0
        self.bytes = 0
        self._events: dict[WaitingEvent, dict[str, WaitingFile]] = {}

    def __contains__(self, file: WaitingFile) -> bool:
        return self._events.get(file.event, {}).get(file.name) is file

    def __iter__(self) -> Iterator[WaitingFile]:
        for files in self._events.values():
            yield from files.values()

    def of(self, event: WaitingEvent) -> Iterable[WaitingFile]:
        """What waits of this event."""
        return self._events.get(event, {}).values()

    def has(self, event: WaitingEvent, name: str) -> bool:
        """Whether a file of that name waits."""
        return name in self._events.get(event, {})

    def add(self, file: WaitingFile) -> None:
        """One more; no other of the event may have its name."""
        self._events.setdefault(file.event, {})[file.name] = file
        self.files += 1
        self.bytes += file.bytes

    def add_older(self, files: Iterable[WaitingFile]) -> None:
        """Files that have waited for longer than what is here, the oldest first."""
        newer, self._events = self._events, {}
        for file in files:
            if file.event in newer:
                self._events[file.event] = newer.pop(file.event)
            self.add(file)
        self._events |= newer

    def remove(self, file: WaitingFile) -> None:
        """It waits no longer; it must have."""
        files = self._events[file.event]
        del files[file.name]
        if not files:
            del self._events[file.event]
        self.files -= 1
        self.bytes -= file.bytes

    def oldest_footage(self, camera: str) -> WaitingEvent | None:
        """The oldest event of this camera of which more than records waits."""
        for event, files in self._events.items():
            if event.name.startswith(f"{camera}/") and any(file.urgency != "evidence" for file in files.values()):
                return event
        return None

    def next(self, ready: Ready, current: Iterable[WaitingEvent]) -> WaitingFile | None:
        """What leaves next, of what is ready; None if nothing is."""
        now = [file for event in current for file in self.of(event) if ready(file)]
        if now:
            return min(now, key=_urgency)
        for files in self._events.values():
            waiting = [file for file in files.values() if ready(file)]
            if waiting:
                return min(waiting, key=_number)
        return None

    def victim(self, spared: Callable[[WaitingFile], bool]) -> WaitingFile | None:
        """What is given up next when there is too much; None if nothing but what is spared waits."""
        running: list[WaitingFile] = []
        picture: WaitingFile | None = None
        records: WaitingFile | None = None
        for event, files in self._events.items():
            waiting = [file for file in files.values() if not spared(file)]
            records = records or next((file for file in waiting if file.urgency == "evidence"), None)
            footage = [file for file in waiting if file.urgency != "evidence"]
            if event.running:
                running += footage
                continue
            video = [file for file in footage if file.urgency in VIDEO]
            if video:
                return min(video, key=_number)
            picture = picture or next(iter(footage), None)
        return picture or min(running, key=_worth, default=records)

    def outdated(self, age_s: Age, most_s: float, spared: WaitingFile | None = None) -> list[WaitingFile]:
        """What has waited for longer than it may, in the order in which it is given up.

        Never of a running event; nor records, which are small: without them, what has left would prove nothing.
        """
        footage = (file for file in self if file.urgency != "evidence" and not file.event.running)
        old = [file for file in footage if age_s(file) > most_s and file is not spared]
        return sorted(old, key=_worth)

    def oldest_s(self, age_s: Age) -> float | None:
        """The age of what has waited longest, of the oldest event; None if nothing waits."""
        for files in self._events.values():
            return max(age_s(file) for file in files.values())
        return None


def _urgency(file: WaitingFile) -> tuple[int, int]:
    """Of current events: the picture, live chunks, records, pre-roll; video, the newest first, else the oldest.

    Pre-roll goes by its numbers, since it is handed over in any order.
    """
    match file.urgency:
        case "picture":
            return 0, file.sequence
        case "live":
            return 1, -file.sequence
        case "evidence":
            return 2, file.sequence
        case "pre-roll":
            return 3, -number_of(file.name)


def _number(file: WaitingFile) -> tuple[int, int]:
    """Within an event of the backlog: the picture, the records, then video by number."""
    return _RANK.get(file.urgency, len(_RANK)), number_of(file.name)


def _worth(file: WaitingFile) -> tuple[int, int]:
    """What is given up first comes first: the oldest video."""
    return -_RANK.get(file.urgency, len(_RANK)), number_of(file.name)
