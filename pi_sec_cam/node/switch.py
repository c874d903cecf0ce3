"""The user's start and stop of cameras, which hold until the user says otherwise: also after a power cut."""

import logging
import threading
from collections.abc import Sequence

from pi_sec_cam.clock import Clock
from pi_sec_cam.errors import CameraNotFound, SourceUnusable, WorkerStuck
from pi_sec_cam.node.node import Node
from pi_sec_cam.remembered import Remembered
from pi_sec_cam.worker import stop_all

log = logging.getLogger(__name__)

# How long cameras have to let go, and then their last clips to be closed.
_CAMERAS_STOP_S, _CLIPS_S = 4.0, 3.0


class CameraSwitch:
    """Starts and stops the cameras of one daemon. Any thread may."""

    def __init__(self, nodes: Sequence[Node], remembered: Remembered, clock: Clock) -> None:
        self._nodes = nodes
        self._remembered = remembered
        self._clock = clock
        self._one_at_a_time = threading.Lock()  # what is remembered and what the cameras do change together

    def begin(self) -> None:
        """Start the cameras that the user has not stopped."""
        stopped = self._remembered.stopped
        for node in self._nodes:
            if node.name in stopped:
                log.warning("%s: stopped by the user; `pi-sec-cam start` makes it watch", node.name)
            else:
                node.start_source()

    def start(self, cameras: Sequence[str]) -> dict[str, object]:
        """These cameras (all, if none is named) watch from now on; who does, by name, under "running".

        Raises:
            CameraNotFound: naming those that there are.
            SourceUnusable: naming those that cannot; the others do.
        """
        nodes = self._named(cameras)
        faults = []
        with self._one_at_a_time:
            self._remembered.stopped = self._remembered.stopped - {node.name for node in nodes}
            for node in nodes:
                try:
                    node.start_source()
                except SourceUnusable as error:
                    faults.append(str(error))
        if faults:
            raise SourceUnusable("; ".join(faults))
        return self._who_watches()

    def stop(self, cameras: Sequence[str]) -> dict[str, object]:
        """These cameras (all, if none is named) look no more; their last events are complete on return.

        Raises:
            CameraNotFound: as above.
            WorkerStuck: a camera hangs; what it may still deliver is not taken.
        """
        nodes = self._named(cameras)
        stuck = None
        with self._one_at_a_time:
            self._remembered.stopped = self._remembered.stopped | {node.name for node in nodes}
            try:  # all together, so that cameras that hang do so at the same time
                stop_all([source for node in nodes for source in node.sources if source.started], _CAMERAS_STOP_S)
            except WorkerStuck as error:
                stuck = error
            for node in nodes:
                node.stop_source()
            self._wait_for_clips(nodes)
        if stuck is not None:
            raise stuck
        return self._who_watches()

    def _wait_for_clips(self, nodes: Sequence[Node]) -> None:
        """A disk that refuses is not waited for any longer."""
        patience = threading.Event()
        deadline_us = self._clock.monotonic_us() + round(_CLIPS_S * 1e6)
        while any(node.records for node in nodes) and self._clock.monotonic_us() < deadline_us:
            patience.wait(0.05)

    def _who_watches(self) -> dict[str, object]:
        return {"running": {node.name: node.running for node in self._nodes}}

    def _named(self, cameras: Sequence[str]) -> list[Node]:
        unknown = set(cameras) - {node.name for node in self._nodes}
        if unknown:
            theirs = ", ".join(node.name for node in self._nodes)
            raise CameraNotFound(f"no camera {', '.join(sorted(unknown))}; there are: {theirs}")
        return [node for node in self._nodes if not cameras or node.name in cameras]
