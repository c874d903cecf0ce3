"""The whole program as it runs: one storage, its cameras, and the socket for local commands."""

import logging
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pi_sec_cam import __version__
from pi_sec_cam.absent_parts import absent_parts
from pi_sec_cam.clock import Clock, SystemClock
from pi_sec_cam.config import CameraConfiguration, Configuration
from pi_sec_cam.errors import ConfigError, StorageError, WorkerStuck
from pi_sec_cam.local_socket import DaemonLock, LocalServer
from pi_sec_cam.node import Node
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.worker import Worker, stop_all

if TYPE_CHECKING:
    from pi_sec_cam.record.catalogue import Catalogue

log = logging.getLogger(__name__)

_POLL_S = 0.2
# A stop takes five seconds at most (a service manager's patience, and a person's), however badly a source hangs; the
# recorders, whose clips have to be closed, have the largest share.
_SOURCES_STOP_S, _WATCHERS_STOP_S, _RECORDERS_STOP_S = 1.6, 0.6, 2.2


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
        self._started = self._clock.wall()
        self.directory: Path = configuration.storage.directory
        self.nodes: Sequence[Node] = ()
        self._catalogue: Catalogue | None = None
        self._catalogue_trouble: str | None = None
        self._recovery: _Recovery | None = None
        self._server: LocalServer | None = None
        self._server_trouble: str | None = None
        self._undo = ExitStack()
        self._absent = absent_parts(configuration)

    def __enter__(self) -> Self:
        """Start.

        Raises:
            ConfigError: this version cannot honour something that must not be ignored.
            StorageError: the storage directory cannot be used.
        """
        if self._configuration.storage.sealed:
            # Recording in the clear instead would betray whoever relies on it.
            raise ConfigError(
                "storage.sealed is true, and this version cannot keep recordings sealed yet: it will not keep them "
                "in the clear instead. Set it to false to record unsealed"
            )
        with ExitStack() as undo:
            cameras = self._configuration.cameras_resolved()
            archives = [self._archive(camera) for camera in cameras]
            archives[0].prepare()
            lock = undo.enter_context(DaemonLock(self.directory))
            self.nodes = tuple(
                Node(camera, archive=archive, keep=self._keep, clock=self._clock, demo=self._demo)
                for camera, archive in zip(cameras, archives, strict=True)
            )
            undo.callback(self._close_catalogue)
            undo.callback(self._stop_nodes)
            for node in self.nodes:
                node.start_source()
            # Video is being kept in memory already while the database is imported (a fifth of a second) and opened.
            self._recovery = self._open_catalogue(archives[0])
            for node in self.nodes:
                node.start_recording()
            if self._recovery is not None:
                self._recovery.start()
            undo.callback(self._stop_server)
            self._start_server(lock)
            self._undo = undo.pop_all()
        for part in self._absent:
            log.warning("%s: %s", part.name, part.detail)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    def wait(self, stop: threading.Event) -> str | None:
        """Until `stop` is set or all sources have come to their end; then None, or what made it impossible to go on."""
        while not stop.wait(_POLL_S):
            for node in self.nodes:
                node.check_end()
                if node.failure is not None:
                    return node.failure
            if all(node.ended for node in self.nodes) and not (self._recovery and self._recovery.alive):
                return None
        return None

    def status(self) -> dict[str, object]:
        """What works, what does not and since when, what was dropped; JSON values."""
        cameras = [node.status() for node in self.nodes]
        problems = [problem for node in self.nodes for problem in node.problems()]
        problems += [trouble for trouble in (self._catalogue_trouble, self._server_trouble) if trouble]
        if not self.directory.is_dir():
            problems.append(f"{self.directory} (storage.directory) is gone: is its disk mounted?")
        problems += [f"{part.name}: {part.detail}" for part in self._absent]
        disk = shutil.disk_usage(self.directory) if self.directory.is_dir() else None
        return {
            "version": __version__,
            "pid": os.getpid(),
            "started": self._started.astimezone().isoformat(timespec="seconds"),
            "state": "degraded" if problems else "working",
            "problems": problems,
            "clock_synchronised": self._clock.synchronised(),
            "cameras": cameras,
            "storage": {
                "directory": str(self.directory),
                "free_bytes": disk.free if disk else None,
                "total_bytes": disk.total if disk else None,
                "events": self._event_count(),
            },
            "parts": [{"name": p.name, "state": "unavailable", "detail": p.detail} for p in self._absent],
        }

    def _event_count(self) -> int | None:
        try:
            return self._catalogue.count() if self._catalogue else None
        except StorageError as error:
            self._catalogue_fails(error)
            return None

    def _archive(self, camera: CameraConfiguration) -> Archive:
        return Archive(
            self.directory,
            day_directory_format=camera.formats.day_directory_format,
            time_directory_format=camera.formats.time_directory_format,
        )

    def _open_catalogue(self, archive: Archive) -> "_Recovery | None":
        """What was left unfinished is listed now, before anything is recorded, and dealt with beside recording.

        Without the catalogue, recording goes on: the files are the truth, and the next start takes them up.
        """
        from pi_sec_cam.record.catalogue import Catalogue
        from pi_sec_cam.record.recovery import recover, survey

        try:
            self._catalogue = catalogue = Catalogue(archive.catalogue_path)
            found = survey(archive, catalogue)
        except StorageError as error:
            self._catalogue_fails(error)
            return None
        return _Recovery(lambda: recover(archive, catalogue, found), self._catalogue_fails)

    def _close_catalogue(self) -> None:
        if self._catalogue is not None:
            self._catalogue.close()

    def _keep(self, record: EventRecord) -> None:
        """List an event; called by the recorders."""
        if self._catalogue is None:
            return
        try:
            self._catalogue.put(record)
        except StorageError as error:
            self._catalogue_fails(error)
        else:
            self._catalogue_trouble = None

    def _catalogue_fails(self, error: StorageError) -> None:
        if str(error) != self._catalogue_trouble:
            log.error("%s; recording goes on, the list of events is made up for at the next start", error)
        self._catalogue_trouble = str(error)

    def _start_server(self, lock: DaemonLock) -> None:
        """Nobody can ask without it, but the camera watches."""
        try:
            self._server = LocalServer(lock.socket_path, {"status": self.status})
            self._server.start()
        except (StorageError, OSError) as error:
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
        recorders = [node.recorder for node in self.nodes]
        _stop([*recorders, *([self._recovery] if self._recovery else [])], _RECORDERS_STOP_S)


class _Recovery(Worker):
    """Finishes in the background what the last run left unfinished."""

    def __init__(self, recover: Callable[[], object], on_error: Callable[[StorageError], None]) -> None:
        super().__init__("recovery")
        self._recover = recover
        self._on_error = on_error

    def work(self) -> None:
        try:
            self._recover()
        except StorageError as error:
            self._on_error(error)


def _stop(workers: Sequence[Worker], seconds: float) -> None:
    try:
        stop_all([worker for worker in workers if worker.alive], seconds)
    except WorkerStuck as error:
        log.error("%s", error)
