"""What the guest's loopback cameras are fed with: coded pictures of a yard in which a bright box moves now and then."""

import pickle
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.codec import CodecContext
from av.video.codeccontext import VideoCodecContext
from numpy.typing import NDArray

# A slow camera, so that a guest that is starved of processor time misses nothing of it.
WIDTH, HEIGHT, RATE, GOP = 320, 180, 5, 5
STILL_S, MOVING_S = 4, 2


def picture(index: int) -> NDArray[np.uint8]:
    """BGR; a gradient, and after some still seconds a box that crosses it."""
    yard = np.tile(np.linspace(40, 160, WIDTH, dtype=np.uint8)[None, :, None], (HEIGHT, 1, 3))
    moved = max(0, index % ((STILL_S + MOVING_S) * RATE) - STILL_S * RATE)
    cv2.rectangle(yard, (10 + moved * 24, 60), (60 + moved * 24, 130), (250, 250, 250), -1)
    return yard


def write(folder: Path) -> None:
    """Lists of packets, which the guest writes into its cameras one by one."""
    pictures = [picture(index) for index in range((STILL_S + MOVING_S) * RATE)]
    video = _h264(pictures)
    (folder / "fed.h264").write_bytes(b"".join(video))
    (folder / "fed-h264.pickle").write_bytes(pickle.dumps(video))
    jpegs = [cv2.imencode(".jpg", one)[1].tobytes() for one in pictures]
    for torn in (3, 7, 11):
        jpegs[torn] = jpegs[torn][: len(jpegs[torn]) // 2]
    (folder / "fed-jpeg.pickle").write_bytes(pickle.dumps(jpegs))


def _h264(pictures: list[NDArray[np.uint8]]) -> list[bytes]:
    context = CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.framerate, context.time_base = Fraction(RATE), Fraction(1, RATE)
    # As webcams do it: without B pictures, with headers before each keyframe.
    context.options = {"tune": "zerolatency", "x264-params": f"keyint={GOP}:scenecut=0:repeat-headers=1:aud=1"}
    packets = [
        packet
        for one in pictures
        for packet in context.encode(av.VideoFrame.from_ndarray(one, format="bgr24").reformat(format="yuv420p"))
    ]
    return [bytes(packet) for packet in [*packets, *context.encode(None)]]
