"""Many network cameras in one cheap process: sends pre-encoded H.264 over RTSP (TCP) in real time, again and again.

    python -m tests.bench.rtsp_farm [--stamps FILE] NAME=FILE…

Prints the port; FILE is then at rtsp://127.0.0.1:PORT/NAME for any number of viewers, each from a keyframe on and with
timestamps of its own. A picture's packets leave with one call. It ends when its standard input is closed; a viewer who
reads too slowly ends it at once with an error, because what is measured then means nothing. With --stamps it writes a
line for each picture as it sends it: viewer, number of the picture (both from 0), time.monotonic.
"""

import argparse
import asyncio
import base64
import itertools
import os
import struct
import sys
import time
from dataclasses import dataclass
from typing import TextIO

import av
from av.video.stream import VideoStream

from pi_sec_cam.media.h264 import Canonicaliser, split_annex_b

_PAYLOAD = 1400
_CLOCK = 90_000
_MOST_WAITING = 4 << 20


@dataclass(frozen=True)
class Mount:
    """One video: the RTP payloads of each picture (marked: the last of a picture), and its SDP."""

    pictures: list[list[bytes]]
    rate: float
    sdp: bytes


def mount(file: str) -> Mount:
    with av.open(file) as container:
        stream = container.streams.video[0]
        assert isinstance(stream, VideoStream)
        canonical = Canonicaliser("h264", stream.codec_context.extradata)
        pictures = []
        for packet in container.demux(stream):
            unit = canonical.convert(bytes(packet), packet.is_keyframe) if packet.size else None
            if unit is not None:
                pictures.append([payload for nal in split_annex_b(unit.data) for payload in payloads(nal)])
        rate = float(stream.average_rate or 25)
    sets = b",".join(base64.b64encode(nal) for nal in split_annex_b(canonical.parameter_sets))
    sdp = (
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
        b"a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;sprop-parameter-sets=" + sets + b"\r\n"
        b"a=framerate:%g\r\na=control:track\r\n" % rate
    )
    return Mount(pictures, rate, sdp)


def payloads(nal: bytes) -> list[bytes]:
    """A NAL unit whole, or cut into FU-A (RFC 6184, 5.8)."""
    if len(nal) <= _PAYLOAD:
        return [nal]
    kind, indicator = nal[0] & 0x1F, nal[0] & 0xE0 | 28
    cuts = [nal[at : at + _PAYLOAD] for at in range(1, len(nal), _PAYLOAD)]
    ends = {0: 0x80, len(cuts) - 1: 0x40}
    return [bytes([indicator, ends.get(i, 0) | kind]) + cut for i, cut in enumerate(cuts)]


class Viewer:
    """One connection: answers its requests and, once asked to play, sends."""

    def __init__(self, mounts: dict[str, Mount], number: int, stamps: TextIO | None) -> None:
        self._mounts = mounts
        self._number = number
        self._stamps = stamps

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sending: asyncio.Task[None] | None = None
        try:
            while first := await reader.read(1):
                if first == b"$":  # the viewer's own RTCP
                    await reader.readexactly(struct.unpack(">xH", await reader.readexactly(3))[0])
                    continue
                request = (first + await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                method, url, _ = request[0].split(" ")
                sequence = next(line for line in request if line.lower().startswith("cseq"))
                name = url.split("/")[3]
                body, more = b"", ""
                if method == "DESCRIBE":
                    body = self._mounts[name].sdp
                    more = f"Content-Base: {url}/\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
                elif method == "SETUP":
                    more = "Session: 1;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
                elif method == "OPTIONS":
                    more = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
                writer.write(f"RTSP/1.0 200 OK\r\n{sequence}\r\n{more}\r\n".encode() + body)
                if method == "PLAY":
                    sending = asyncio.create_task(self._send(self._mounts[name], writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            if sending is not None:
                sending.cancel()
            writer.close()

    async def _send(self, video: Mount, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        # Cameras do not keep step with one another: each begins at another moment of a picture's time.
        began = loop.time() + self._number * 0.618 % 1 / video.rate
        sequence, ssrc = 0, 0x10000 + self._number
        for index in itertools.count():
            await asyncio.sleep(began + index / video.rate - loop.time())
            if self._stamps is not None:
                self._stamps.write(f"{self._number} {index} {time.monotonic():.6f}\n")
            sent = video.pictures[index % len(video.pictures)]
            stamp = round(index * _CLOCK / video.rate) & 0xFFFFFFFF
            parts = []
            for left, payload in zip(range(len(sent) - 1, -1, -1), sent, strict=True):
                mark = 0xE0 if left == 0 else 0x60
                header = struct.pack(
                    ">cBHBBHII", b"$", 0, 12 + len(payload), 0x80, mark, sequence & 0xFFFF, stamp, ssrc
                )
                parts += [header, payload]
                sequence += 1
            writer.write(b"".join(parts))
            if writer.transport.get_write_buffer_size() > _MOST_WAITING:
                print(f"viewer {self._number} reads too slowly", file=sys.stderr)
                os._exit(1)


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stamps")
    parser.add_argument("mounts", nargs="+")
    asked = parser.parse_args()
    stamps = open(asked.stamps, "w", buffering=1) if asked.stamps else None  # noqa: SIM115  until the process ends
    mounts = {name: mount(file) for name, file in (argument.split("=", 1) for argument in asked.mounts)}
    numbers = itertools.count()
    server = await asyncio.start_server(
        lambda reader, writer: Viewer(mounts, next(numbers), stamps).serve(reader, writer), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
