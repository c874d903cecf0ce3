"""The yardstick: the least that a program with PyAV must do for the same cameras, in one process.

    python -m tests.bench.bare_receiver COUNT MAIN_URL DETECT_URL FPS

Each camera's main stream is received and thrown away; its detection stream is received and decoded, and FPS times a
second a picture is reduced (cv2.resize to 160x90, INTER_AREA), compared (cv2.absdiff) and counted (cv2.countNonZero):
the floor of all detectors. A thread for each stream, no queue, no ring, no clock, nothing written. Prints, when its
standard input gets a line, how many pictures came and were looked at.
"""

import sys
import threading

import av
import cv2
import numpy as np

_OPTIONS = {"rtsp_transport": "tcp", "allowed_media_types": "video", "analyzeduration": "100000"}


class Counts:
    def __init__(self) -> None:
        self.main = self.detect = self.looks = 0


def receive(url: str, counts: Counts) -> None:
    with av.open(url, options=_OPTIONS, timeout=(10, 10)) as source:
        for packet in source.demux(video=0):
            counts.main += packet.size > 0


def detect(url: str, fps: float, counts: Counts) -> None:
    with av.open(url, options=_OPTIONS, timeout=(10, 10)) as source:
        source.streams.video[0].codec_context.thread_count = 1
        base, next_s = np.zeros((90, 160), np.uint8), 0.0
        for packet in source.demux(video=0):
            for frame in packet.decode():
                counts.detect += 1
                if frame.time is None or frame.time < next_s:
                    continue
                next_s = frame.time + 0.9 / fps
                plane = frame.planes[0]
                luma = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[
                    : frame.height, : frame.width
                ]
                small = cv2.resize(luma, (160, 90), interpolation=cv2.INTER_AREA)
                cv2.countNonZero(cv2.absdiff(small, base))
                counts.looks += 1


def main() -> None:
    count, main_url, detect_url, fps = int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4])
    cv2.setNumThreads(1)
    counts = [Counts() for _ in range(count)]
    for camera in counts:
        threading.Thread(target=receive, args=(main_url, camera), daemon=True).start()
        threading.Thread(target=detect, args=(detect_url, fps, camera), daemon=True).start()
    for _ in sys.stdin:
        print(*(sum(getattr(camera, name) for camera in counts) for name in ("main", "detect", "looks")), flush=True)


if __name__ == "__main__":
    main()
