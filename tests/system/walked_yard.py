"""A network camera before which somebody walks while the test wants it, in real time."""

import socket
import threading
import time
from dataclasses import dataclass, field

from pi_sec_cam.media.h264 import split_annex_b
from tests.system import films
from tests.system.crooked_camera import Rtsp, sets_of

PICTURE_S = 1 / films.RATE


@dataclass
class WalkedYard:
    """Serves a `CrookedCamera`'s connections.

    Attributes:
        walking: set it, and within a second somebody walks; clear it, and they are gone.
    """

    walking: threading.Event = field(default_factory=threading.Event)

    def serve(self, connection: socket.socket, number: int) -> None:
        film = films.walk()
        still = round(films.STILL_S * films.RATE)
        session = Rtsp(connection, sets_of(film[0]))
        session.play()
        begun, sent, at = time.monotonic(), 0, 0
        while True:
            for picture in film[at : at + films.RATE]:
                time.sleep(max(0.0, begun + sent * PICTURE_S - time.monotonic()))
                session.picture(split_annex_b(picture), sent * PICTURE_S)
                sent += 1
            # GOPs can be put together at will.
            at = (max(at + films.RATE, still) if self.walking.is_set() else 0) % len(film)
