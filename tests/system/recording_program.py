"""A real recorder on pictures in real time, told by lines on its standard input what happens; says its status in JSON.

    python -m tests.system.recording_program STORAGE

Commands: `begin` (an event, with 2 s of pre-roll), `end` (it comes to rest now), `quit` (stop the recorder). A line of
status comes four times a second; `shown` counts the pictures that have been delivered so far.
"""

import json
import sys
import threading
import time
from itertools import cycle
from pathlib import Path
from typing import Any

from pi_sec_cam.clock import SystemClock
from pi_sec_cam.media.access_unit import AccessUnit
from pi_sec_cam.media.ring import Ring
from pi_sec_cam.motion.event import Area, EventEnded, EventStarted
from pi_sec_cam.motion.event_pictures import EventPictures
from pi_sec_cam.motion.event_reader import EventReaders
from pi_sec_cam.record.archive import Archive
from pi_sec_cam.record.event_record import EventRecord
from pi_sec_cam.record.recorder import Recorder
from tests.unit.streams import units

# Each picture has some bytes more, in a message that decoders pass by (SEI, user data), so that a disk notices.
_PADDING = b"\x00\x00\x00\x01\x06\x05" + b"\xff" * 16 + b"\x10" + b"\x55" * (16 * 255 + 16) + b"\x80"
_PERIOD_S = 0.04


def main() -> None:
    archive = Archive(Path(sys.argv[1]))
    archive.prepare()
    ring = Ring(seconds=6, max_bytes=64 << 20)
    kept: list[EventRecord] = []
    pictures = EventPictures(ring).of
    clock = SystemClock()
    readers = EventReaders(ring, clock)
    recorder = Recorder(
        camera="Yard", readers=readers, archive=archive, picture=pictures, keep=kept.append, clock=clock
    )
    recorder.start()
    begins_us = time.monotonic_ns() // 1000
    commands: list[str] = []
    threading.Thread(target=lambda: commands.extend(iter(sys.stdin.readline, "")), daemon=True).start()
    number = 0
    for shown, unit in enumerate(cycle(units(seconds=4))):
        time.sleep(max(0.0, begins_us / 1e6 + shown * _PERIOD_S - time.monotonic()))
        at_us = begins_us + shown * round(_PERIOD_S * 1e6)
        ring.append(AccessUnit(unit.data + _PADDING, at_us, at_us, unit.keyframe, unit.info))
        for command in commands[:]:
            commands.remove(command)
            if command == "begin\n":
                number += 1
                recorder.on_event(EventStarted(number, at_us, at_us - 2_000_000, (Area(0.1, 0.1, 0.2, 0.2),)))
            elif command == "end\n":
                recorder.on_event(EventEnded(number, at_us, at_us, "rest"))
            else:
                recorder.stop()
                recorder.join(2.2)
                say(recorder, kept, shown)
                return
        if shown % 6 == 0:
            say(recorder, kept, shown)


def say(recorder: Recorder, kept: list[EventRecord], shown: int) -> None:
    finished = [record.id for record in kept if record.state == "complete"]
    said: dict[str, Any] = {**recorder.status(), "finished": finished, "shown": shown, "alive": recorder.alive}
    print(json.dumps(said), flush=True)


main()
