"""Once a day, has a time-stamp authority stamp what each camera has signed."""

import json
import logging
import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from pi_sec_cam.backoff import Backoff
from pi_sec_cam.clock import Clock
from pi_sec_cam.durable import write_atomically
from pi_sec_cam.errors import ConfigError
from pi_sec_cam.evidence.stamp_exchange import NoStamp, authority_of
from pi_sec_cam.evidence.timestamp import library_missing, request_stamp
from pi_sec_cam.worker import Worker

log = logging.getLogger(__name__)

MEMORY = "stamped.json"

_DAY_S = 86400
_LOOK_S = 2.0
_FIRST_S, _LONGEST_S = 60.0, 3600.0
_PATIENCE_S = 30.0
_JOIN_S = 0.25
# A day without a network, or an authority's bad hour, costs nothing: the next stamp covers what this one would have.
_WORTH_SAYING_S = 6 * 3600


class Stamper(Worker):
    """One thread for all cameras. Who is asked, and how badly he answers, holds up nothing else.

    When each camera was stamped last is kept in `memory`, so that one that is started often asks no more often.

    Args:
        url: of the authority.
        heads: by camera, the newest head of its chain; none of chains that are not open.
        stamped: takes a camera, its head and the stamp (DER); does not wait for a disk.
        memory: a file, whose directory need not be there (yet).
        ask: as `request_stamp`, which may take long.

    Attributes:
        patience_s: endless: nobody needs it to get on, and to start anew would not help.

    Raises:
        ConfigError: the library for it is not installed.
    """

    patience_s = math.inf

    def __init__(
        self,
        url: str,
        *,
        heads: Callable[[], Mapping[str, str]],
        stamped: Callable[[str, str, bytes], None],
        memory: Path,
        clock: Clock,
        ask: Callable[[str, str], bytes] = request_stamp,
        chance: Random | None = None,
    ) -> None:
        super().__init__("stamper", clock)
        if missing := library_missing():
            raise ConfigError(missing)
        self._url = url
        self._heads = heads
        self._stamped = stamped
        self._memory = memory
        self._ask = ask
        self._pause = Backoff(first=_FIRST_S, cap=_LONGEST_S, chance=chance)
        self._due_us: dict[str, int] = {}  # by camera
        self._asking: _Asking | None = None
        # Written by this thread, read by those who ask for the status: each is one value.
        self._last: datetime | None = None
        self._failure: tuple[int, str] | None = None

    def work(self) -> None:
        while not self.stopping.is_set():
            self.advance()
            self.stopping.wait(self.step())

    def step(self) -> float:
        """Have stamped what is due; seconds until the next look."""
        for camera, head in self._heads().items():
            if self.clock.monotonic_us() < self._due(camera):
                continue
            try:
                stamp = self._asked(head)
            except NoStamp as error:
                self._failed(str(error))
                return self._pause.wait()
            if stamp is None:
                break
            self._stamped(camera, head, stamp)
            self._succeeded(camera)
        return _LOOK_S

    def status(self) -> dict[str, object]:
        """Plain JSON values.

        authority: its host; last_stamp: when a camera was stamped last (ISO 8601), null if that is not known;
        last_error: why it was not since, null if nothing is wrong.
        """
        last, failure = self._last, self._failure
        return {
            "authority": authority_of(self._url),
            "last_stamp": last and last.astimezone().isoformat(timespec="seconds"),
            "last_error": failure and failure[1],
        }

    def problems(self) -> list[str]:
        """What somebody should know, in words."""
        failure = self._failure
        if failure is None or self.clock.monotonic_us() - failure[0] < _WORTH_SAYING_S * 1e6:
            return []
        hours = (self.clock.monotonic_us() - failure[0]) / 3.6e9
        return [f"no time stamp for {hours:.0f} h (evidence.timestamp_url): {failure[1]}"]

    def _due(self, camera: str) -> int:
        """When the camera is to be stamped next, on the monotonic clock; by the wall clock only after a start."""
        if camera not in self._due_us:
            last = _read(self._memory).get(camera)
            age_s = (self.clock.wall() - last).total_seconds() if last else _DAY_S
            # A stamp in the future: the clock was wrong then, or is now. One too many does no harm.
            rest_s = _DAY_S - age_s if 0 <= age_s < _DAY_S else 0
            self._due_us[camera] = self.clock.monotonic_us() + round(rest_s * 1e6)
            if last and (self._last is None or last > self._last):
                self._last = last
        return self._due_us[camera]

    def _asked(self, head: str) -> bytes | None:
        """A stamp; None if the program is to stop meanwhile.

        The question has a thread of its own, as neither a name service nor a server that drips can be broken off.

        Raises:
            NoStamp: none came.
        """
        if self._asking is not None and self._asking.alive:
            raise NoStamp(f"{authority_of(self._url)} still has not answered")
        end_us = self.clock.monotonic_us() + round(_PATIENCE_S * 1e6)
        asking = self._asking = _Asking(lambda: self._ask(self._url, head), self.clock)
        asking.start()
        while not asking.join(_JOIN_S):
            if self.stopping.is_set():
                return None
            if self.clock.monotonic_us() >= end_us:
                raise NoStamp(f"{authority_of(self._url)} does not answer")
        return asking.answer()

    def _succeeded(self, camera: str) -> None:
        self._pause.reset()
        if self._failure is not None:
            log.info("%s stamps again", authority_of(self._url))
            self._failure = None
        now = self.clock.wall()
        self._last = now
        self._due_us[camera] = self.clock.monotonic_us() + _DAY_S * 1_000_000
        try:
            _write(self._memory, {**_read(self._memory), camera: now})
        except OSError as error:
            log.info("cannot note when %s was stamped, after a start it will be again: %s", camera, error)

    def _failed(self, text: str) -> None:
        since_us, before = self._failure or (self.clock.monotonic_us(), "")
        self._failure = since_us, text
        if text != before:
            log.warning("no time stamp: %s; it is asked for again", text)


class _Asking(Worker):
    """One question, which may take as long as it likes."""

    def __init__(self, ask: Callable[[], bytes], clock: Clock) -> None:
        super().__init__("question to the time-stamp authority", clock)
        self._ask = ask
        self._answer: bytes | NoStamp = NoStamp("a fault in this program, please report it: the log says which")

    def work(self) -> None:
        try:
            self._answer = self._ask()
        except NoStamp as error:
            self._answer = error

    def answer(self) -> bytes:
        """Once it has ended.

        Raises:
            NoStamp: none came.
        """
        if isinstance(self._answer, NoStamp):
            raise self._answer
        return self._answer


def _read(memory: Path) -> dict[str, datetime]:
    """By camera, when it was stamped last; nothing where that cannot be read."""
    try:
        said = json.loads(memory.read_bytes())
        found = {camera: datetime.fromisoformat(at) for camera, at in said.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}
    return {camera: at for camera, at in found.items() if at.utcoffset() == timedelta(0)}


def _write(memory: Path, stamped: Mapping[str, datetime]) -> None:
    text = json.dumps({camera: at.isoformat(timespec="seconds") for camera, at in sorted(stamped.items())}, indent=2)
    write_atomically(memory, f"{text}\n".encode(), mode=0o600)
