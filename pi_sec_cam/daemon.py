"""The whole program as it runs: one storage, its cameras, and the socket for local commands."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from pi_sec_cam import __version__
from pi_sec_cam.absent_parts import absent_parts
from pi_sec_cam.clock import Clock, SystemClock
from pi_sec_cam.config import CameraConfiguration, Configuration
from pi_sec_cam.errors import WorkerStuck
from pi_sec_cam.local_socket import DaemonLock, LocalServer
from pi_sec_cam.node import CameraSwitch, Node
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.disk import Disk
from pi_sec_cam.record.event_sequence import EventSequence
from pi_sec_cam.record.keeper import StorageKeeper
from pi_sec_cam.record.retention import Limits
from pi_sec_cam.record.room import RoomMaker
from pi_sec_cam.remembered import Remembered
from pi_sec_cam.sending import Sending, sends, warn_where_nothing_is_sent, withdraw_left_behind
from pi_sec_cam.worker import Worker, stop_all

log = logging.getLogger(__name__)

_POLL_S = 0.5
# A stop takes five seconds at most (a service manager's patience, and a person's), however badly a source hangs; the
# recorders, whose clips have to be closed, have the largest share.
_SOURCES_STOP_S, _WATCHERS_STOP_S, _RECORDERS_STOP_S, _EVIDENCE_STOP_S, _SENDERS_STOP_S = 1.6, 0.6, 1.7, 0.2, 0.5
# What was cut last may leave, if the store answers at once; if not, it does after the next start.
_SETTLE_S = 0.3
# A quarter of the machine's memory may hold video that the disk does not take; each camera needs some for its pre-roll.
_LEAST_RING_BYTES, _MOST_RING_BYTES = 8 << 20, 64 << 20


class Daemon:
    """Everything that a configuration asks for and this version can do.

    Used with `with`: entering starts it, leaving stops it with all clips closed.

    Args:
        demo: watch the rendered scene instead of the configured cameras.
    """

    def __init__(self, configuration: Configuration, *, clock: Clock | None = None, demo: bool = False) -> None:
        self._configuration = configuration
        self._clock: Clock = clock or SystemClock()
        self._demo = demo
        self._started_us = self._clock.monotonic_us()
        storage = configuration.storage
        self.directory: Path = storage.directory
        self.nodes: Sequence[Node] = ()
        self._remembered = Remembered(self.directory)
        self._lock = DaemonLock(self.directory, with_storage=False)
        self._sequence, self._running = EventSequence(), set[str]()
        cameras = configuration.cameras_resolved()
        archives = [self._archive(camera) for camera in cameras]
        self._any_archive = archives[0]
        limits = Limits(
            max_bytes=storage.max_bytes, min_free_bytes=storage.min_free_bytes, max_age_days=storage.max_age_days
        )
        self._keeper = StorageKeeper(
            self._any_archive,
            Disk(self.directory, self._remembered),
            RoomMaker(self._any_archive, limits, self._clock, self._made_room, self._lacks_room),
            clock=self._clock,
            lock_storage=self._lock.lock_storage,
            unlock_storage=self._lock.unlock_storage,
            on_room=self._retry,
            on_interrupted=self._interrupted,
        )
        self._to_watch = list(zip(cameras, archives, strict=True))
        self._sending: Sending | None = None
        self._server: LocalServer | None = None
        self._server_trouble: str | None = None
        self._overdue: list[str] = []
        self._undo = ExitStack()
        self._absent = absent_parts(configuration)

    def __enter__(self) -> Self:
        """Start.

        Raises:
            ConfigError: what leaves is to be sealed, and the key cannot be used; or a store's library is missing.
            StorageError: the storage directory cannot be used.
        """
        with ExitStack() as undo:
            undo.enter_context(self._lock)
            self._keeper.claim()
            self._sending = self._make_sending()
            self.nodes = tuple(
                Node(
                    camera,
                    archive=archive,
                    ring_bytes=_ring_bytes(len(self._to_watch)),
                    sending=self._sending,
                    keep=self._keeper.keep,
                    on_trouble=self._keeper.disk_refuses,
                    clock=self._clock,
                    demo=self._demo,
                )
                for camera, archive in self._to_watch
            )
            undo.callback(self._keeper.close)
            undo.callback(self._stop_nodes)
            self._switch = CameraSwitch(self.nodes, self._remembered, self._clock)
            self._switch.begin()
            # Video is being kept in memory already while the database is imported (a fifth of a second) and opened.
            self._keeper.open()
            for node in self.nodes:
                node.start_recording()
            self._keeper.start()
            for worker in self._senders:
                worker.start()
            undo.callback(self._stop_server)
            self._start_server()
            self._undo = undo.pop_all()
        for part in self._absent:
            log.warning("%s: %s", part.name, part.detail)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def wait(self, stop: threading.Event, on_look: Callable[[], None] = lambda: None) -> str | None:
        """Until `stop` is set or all sources have come to their end; then None, or what made it impossible to go on.

        Args:
            on_look: called several times a second.
        """
        while not stop.wait(_POLL_S):
            for node in self.nodes:
                node.check_end()
                if node.failure is not None:
                    return node.failure
            for worker in (self._keeper, *self._senders):
                if worker.fault is not None:
                    return f"{worker.name} failed: {worker.fault!r}; the log has more"
            self._note_overdue()
            on_look()
            leaving = self._keeper.tidying or (self._sending is not None and self._sending.leaving)
            if all(node.ended or node.hopeless for node in self.nodes) and not leaving:
                return next((node.hopeless for node in self.nodes if node.hopeless), None)
        return None

    @property
    def advances(self) -> bool:
        """Whether every worker gets on."""
        return not self._overdue

    @property
    def in_short(self) -> str:
        """One line for people."""
        watching = sum(node.running for node in self.nodes)
        problems = self._problems()
        said = f"{watching} of {len(self.nodes)} cameras watch" if len(self.nodes) > 1 else "watches"
        if not watching:
            said = "stopped by the user"
        return f"{said}; {problems[0]}" if problems else said

    def status(self) -> dict[str, object]:
        """What works, what does not and since when, what was dropped; JSON values."""
        problems = self._problems()
        problems += [f"{part.name}: {part.detail}" for part in self._absent]
        return {
            "version": __version__,
            "pid": os.getpid(),
            # By the clock as it is now: it may have been wrong then.
            "started": self._clock.stamp(self._started_us).wall.astimezone().isoformat(timespec="seconds"),
            "state": "degraded" if problems else "working",
            "problems": problems,
            "clock_synchronised": self._clock.synchronised(),
            "cameras": [node.status() for node in self.nodes],
            "storage": self._keeper.status(),
            "offsite": self._sending.status() if self._sending else None,
            "parts": [{"name": p.name, "state": "unavailable", "detail": p.detail} for p in self._absent],
        }

    @property
    def _senders(self) -> Sequence[Worker]:
        return self._sending.workers if self._sending else ()

    def _problems(self) -> list[str]:
        problems = [problem for node in self.nodes for problem in node.problems()]
        problems += self._keeper.problems()
        problems += self._sending.problems() if self._sending else []
        problems += [f"{name} does not get on" for name in self._overdue]
        if self._server and self._server.fault is not None:
            problems.append(f"{self._server.name} failed: {self._server.fault!r}")
        problems += [trouble for trouble in (self._server_trouble, self._remembered.trouble) if trouble]
        return problems

    def _note_overdue(self) -> None:
        workers = [name for node in self.nodes for name in node.overdue()]
        others = [self._keeper, *([self._server] if self._server else []), *self._senders]
        workers += [worker.name for worker in others if worker.overdue()]
        for name in workers:
            if name not in self._overdue:
                log.critical("%s does not get on; if that lasts, a service manager starts the program anew", name)
        self._overdue = workers

    def _retry(self) -> None:
        for node in self.nodes:
            node.recorder.retry()

    def _made_room(self, event: str) -> None:
        if self._sending is not None:
            self._sending.made_room(event)

    def _lacks_room(self, lacking: int) -> None:
        if self._sending is not None:
            self._sending.lacks_room(lacking)

    def _interrupted(self, events: Sequence[str]) -> None:
        if self._sending is not None:
            self._sending.interrupted(events)

    def _archive(self, camera: CameraConfiguration) -> Archive:
        return Archive(
            self.directory,
            day_directory_format=camera.formats.day_directory_format,
            time_directory_format=camera.formats.time_directory_format,
            sequence=self._sequence,
            running=self._running,
            guard=lambda: self._keeper.guard(),  # noqa: PLW0108 - the keeper is made after the archives
        )

    def _make_sending(self) -> Sending | None:
        if not sends(self._configuration, self._remembered):
            warn_where_nothing_is_sent(self.directory / "outbox")
            return None
        return Sending(
            self._configuration,
            self._any_archive,
            catalogue=lambda: self._keeper.catalogue,
            settled=lambda: self._keeper.settled,
            remembered=self._remembered,
            guard=self._keeper.guard,
            on_trouble=self._keeper.disk_refuses,
            clock=self._clock,
        )

    def _annotate(self, event: str, **said: object) -> dict[str, object]:
        from pi_sec_cam.record.annotation import annotate

        annotate(self._any_archive, self._keeper.catalogue, event, **said)  # type: ignore[arg-type]
        return {"event": event}

    def _delete(self, event: str) -> dict[str, object]:
        from pi_sec_cam.record.deletion import delete_event

        delete_event(self._any_archive, self._keeper.catalogue, event)
        self._keeper.changed()
        if self._sending is not None:
            self._sending.deleted(event)
        else:
            withdraw_left_behind(self.directory / "outbox", event)
        return {"event": event}

    def _rebuild(self) -> dict[str, object]:
        self._keeper.rebuild()
        return {}

    def _start_server(self) -> None:
        """Nobody can ask without it, but the camera watches."""
        commands: dict[str, Callable[..., object]] = {
            "status": self.status,
            "start": self._switch.start,
            "stop": self._switch.stop,
            "annotate": self._annotate,
            "delete": self._delete,
            "rebuild": self._rebuild,
        }
        try:
            self._server = LocalServer(self._lock.socket_path, commands)
            self._server.start()
        except OSError as error:
            self._server_trouble = f"`pi-sec-cam status` does not work: {error}"
            log.warning("%s", self._server_trouble)

    def _stop_server(self) -> None:
        if self._server is not None:
            _stop([self._server], 0.5)

    def _stop_nodes(self) -> None:
        """In the order of the flow, all cameras together; what does not end in its time does not take the others'."""
        _stop([worker for node in self.nodes for worker in node.sources], _SOURCES_STOP_S)
        for node in self.nodes:
            node.finish_source()
        _stop([worker for node in self.nodes for worker in node.watching], _WATCHERS_STOP_S)
        _stop([*(worker for node in self.nodes for worker in node.keeping), self._keeper], _RECORDERS_STOP_S)
        if self._sending is not None:
            _stop([self._sending.attestor], _EVIDENCE_STOP_S)
            self._sending.settle(_SETTLE_S)
        _stop(self._senders, _SENDERS_STOP_S)


def _ring_bytes(cameras: int) -> int:
    """For each camera, by the memory of this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(max(memory // 4 // cameras, _LEAST_RING_BYTES), _MOST_RING_BYTES)


def _stop(workers: Sequence[Worker], seconds: float) -> None:
    try:
        stop_all([worker for worker in workers if worker.alive], seconds)
    except WorkerStuck as error:
        log.error("%s", error)
