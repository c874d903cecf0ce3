"""Network cameras that keep to no rule: a TCP server whose every connection is a test's own doing, and RTSP by hand."""

import base64
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

from pi_sec_cam.media.h264 import split_annex_b

_CLOCK_HZ = 90_000  # of H.264 over RTP (RFC 6184, 8.2.1)
_LARGEST_PAYLOAD = 1400
_SPS, _PPS = 7, 8


class CrookedCamera:
    """A server on loopback: each connection is handed to `serve` in a thread of its own; `with` switches it on and off.

    Args:
        serve: called with the connection and its number (from 0); may take as long as it likes and may let a broken
            connection's OSError through.
    """

    def __init__(self, serve: Callable[[socket.socket, int], None]) -> None:
        self._serve = serve
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._open: set[socket.socket] = set()
        self.connections = 0

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> "CrookedCamera":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self._open.add(connection)
                threading.Thread(target=self._handle, args=(connection, self.connections), daemon=True).start()
                self.connections += 1

    def _handle(self, connection: socket.socket, number: int) -> None:
        with connection, suppress(OSError):
            self._serve(connection, number)
        self._open.discard(connection)


@dataclass
class Rtsp:
    """One RTSP session with interleaved RTP, from the greeting on; only what FFmpeg asks for.

    Args:
        sets: the parameter sets that the SDP tells, if any.
    """

    connection: socket.socket
    sets: Sequence[bytes] = ()
    _number: int = 0
    _left: bytes = field(default=b"")

    def greet(self, until: str = "PLAY") -> str:
        """Answer each request up to the first of this method; its sequence number, still to be answered."""
        while (asked := self.request())[0] != until:
            headers = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n" if asked[0] == "SETUP" else ""
            self.answer(asked[1], headers, self.sdp() if asked[0] == "DESCRIBE" else b"")
        return asked[1]

    def play(self) -> None:
        """Answer all requests up to the one for the video."""
        self.answer(self.greet())

    def request(self) -> tuple[str, str]:
        """The next request's method and sequence number."""
        while b"\r\n\r\n" not in self._left:
            received = self.connection.recv(4096)
            if not received:
                raise ConnectionResetError
            self._left += received
        head, _, self._left = self._left.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        return lines[0].split()[0], next(line.split()[1] for line in lines if line.lower().startswith("cseq:"))

    def answer(self, sequence: str, headers: str = "", sdp: bytes = b"") -> None:
        """200 OK."""
        headers += f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n" if sdp else ""
        self.connection.sendall(f"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\nSession: 1\r\n{headers}\r\n".encode() + sdp)

    def sdp(self) -> bytes:
        """One H.264 stream."""
        known = ",".join(base64.b64encode(nal).decode() for nal in self.sets)
        lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=crooked", "t=0 0", "m=video 0 RTP/AVP 96"]
        lines += ["a=rtpmap:96 H264/90000", f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={known}"]
        return "".join(f"{line}\r\n" for line in lines).encode()

    def picture(self, nals: Sequence[bytes], seconds: float) -> None:
        """One access unit at a time of the camera's clock (RFC 6184, 5.6 and 5.8)."""
        payloads: list[bytes] = []
        for nal in nals:
            if len(nal) <= _LARGEST_PAYLOAD:
                payloads.append(nal)
                continue
            pieces = [nal[at : at + _LARGEST_PAYLOAD] for at in range(1, len(nal), _LARGEST_PAYLOAD)]
            for index, piece in enumerate(pieces):
                first, last = (index == 0) << 7, (index == len(pieces) - 1) << 6
                payloads.append(bytes([nal[0] & 0x60 | 28, first | last | nal[0] & 0x1F]) + piece)
        for payload in payloads:
            marker = (payload is payloads[-1]) << 7
            stamp = round(seconds * _CLOCK_HZ) & 0xFFFFFFFF
            packet = struct.pack(">BBHII", 0x80, 96 | marker, self._number & 0xFFFF, stamp, 7) + payload
            self._number += 1
            self.connection.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)


def played(pictures: Sequence[bytes], rate: float) -> Iterator[tuple[float, list[bytes]]]:
    """Seconds since now and NAL units of each picture, for ever, each when it is due."""
    begun = time.monotonic()
    index = 0
    while True:
        seconds = index / rate
        time.sleep(max(0.0, begun + seconds - time.monotonic()))
        yield seconds, split_annex_b(pictures[index % len(pictures)])
        index += 1


def sets_of(picture: bytes) -> list[bytes]:
    """The parameter sets of a keyframe in Annex B."""
    return [nal for nal in split_annex_b(picture) if nal[0] & 0x1F in {_SPS, _PPS}]
