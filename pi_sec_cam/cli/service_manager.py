"""Tells systemd how the daemon is doing (sd_notify(3), systemd.service(5): Type=notify, WatchdogSec=)."""

import contextlib
import logging
import os
import socket
from collections.abc import Mapping
from typing import Self

from pi_sec_cam.clock import Clock

log = logging.getLogger(__name__)


class ServiceManager:
    """Sends what systemd wants to know; where nobody does (started by hand), it does nothing.

    Args:
        environment: NOTIFY_SOCKET says where to, WATCHDOG_USEC how often it wants a sign of life.
    """

    def __init__(self, environment: Mapping[str, str], clock: Clock) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        self._clock = clock
        self._every_us: int | None = None
        # Children of the service inherit the variables; the sign of life is asked from one process only.
        if environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()):
            with contextlib.suppress(ValueError):
                self._every_us = int(environment.get("WATCHDOG_USEC", "")) // 3
        self._due_us = 0
        self._said = ""

    @classmethod
    def of_this_process(cls, clock: Clock) -> Self:
        """The one that started this process, if one did."""
        return cls(os.environ, clock)

    def ready(self) -> None:
        """The daemon watches."""
        self._send("READY=1")

    def stopping(self) -> None:
        """The daemon is on its way out."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`; sent when it changes."""
        if text != self._said:
            self._said = text
            self._send(f"STATUS={text}")

    def alive(self) -> None:
        """A sign of life; to be called often, sent when one is due. If none comes, systemd starts the daemon anew."""
        if self._every_us is None or self._clock.monotonic_us() < self._due_us:
            return
        self._due_us = self._clock.monotonic_us() + self._every_us
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to_manager:
                to_manager.setblocking(False)
                to_manager.sendto(message.replace("\n", " ").encode(), self._address)
        except OSError as error:
            log.warning("cannot tell the service manager %s: %s", message.partition("=")[0], error)
