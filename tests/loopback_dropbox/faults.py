"""What goes wrong at the loopback Dropbox: the next so many calls, or all of them until it is taken back."""

import threading
from dataclasses import dataclass
from typing import Literal

from tests.loopback_dropbox.answer import Answer

Kind = Literal["drop", "lose reply", "hang", "stop reading", "slow", "wrong hash", "answer", "break off"]


@dataclass(frozen=True)
class Fault:
    """One way to go wrong.

    Attributes:
        kind: "drop" resets the connection with nothing stored (after `after_bytes` of the body); "lose reply" does all
            that was asked and then resets it; "hang" reads all, stores nothing and says nothing; "stop reading" lets
            the body stand after `after_bytes`; "slow" takes the body at `bytes_per_s`; "wrong hash" stores, and
            answers with another hash; "answer" reads the body, stores nothing and gives `answer`; "break off" does all
            that was asked, and resets the connection after `after_bytes` of the answer's body.
        route: of which calls: what their route begins with ("files/upload", "oauth2/token"); all, if empty.
        seconds: how long "hang" and "stop reading" last before the connection is reset.
    """

    kind: Kind
    route: str = ""
    answer: Answer | None = None
    after_bytes: int = 0
    bytes_per_s: float = 10_000
    seconds: float = 600


class Faults:
    """Asked by the server's threads, told by the test's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: list[Fault] = []
        self._lasting: list[Fault] = []
        self.taken_back = threading.Event()

    def next(self, fault: Fault, *, times: int = 1) -> None:
        """Let the next `times` calls of its route fail this way; faults come in the order in which they were given."""
        with self._lock:
            self._next += [fault] * times

    def lasting(self, fault: Fault) -> None:
        """Let all calls of its route fail this way, until `clear`."""
        with self._lock:
            self._lasting.append(fault)

    def clear(self) -> None:
        """All is well again; what hangs is let go."""
        with self._lock:
            self._next.clear()
            self._lasting.clear()
            self.taken_back.set()
            self.taken_back = threading.Event()

    def of(self, route: str) -> Fault | None:
        """The fault of a call that begins now."""
        with self._lock:
            for faults in (self._next, self._lasting):
                for fault in faults:
                    if route.startswith(fault.route):
                        if faults is self._next:
                            faults.remove(fault)
                        return fault
        return None
