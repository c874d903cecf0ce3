"""What records cost: their share of the bytes that leave, and signing's share of an event's processor time.

    .venv/bin/python -m tests.bench.evidence_cost [--mbit 0.5 2 6] [--events 1]

The real daemon before the RTSP camera of offsite_loss. Bytes are counted in the store: evidence files beside all files,
the camera's own chain among them. Processor time is that of the threads in which signing happens, measured around
signing and putting records together (tests/bench/inside.py), beside all that the daemon uses from the movement to the
end of the post-roll; what the records cost on their way (sealing is spared, sending is not) is in the bytes.
"""

import argparse

from tests.bench.offsite_loss import load
from tests.bench.offsite_watch import POST_ROLL_S, watching
from tests.bench.passer_by import RATE, film
from tests.loopback_dropbox.server import LoopbackDropbox

_BAR = 0.01


def measure(mbit: float, count: int) -> None:
    played = film(mbit)
    with LoopbackDropbox() as dropbox, watching(played, dropbox, inside=True) as watched:
        watched.wait_for_picture(played.first_moving - 1)
        cpu_s, signing_s = watched.cpu_s(), watched.signing_s()
        watched.wait_for_picture(played.first_resting + round((POST_ROLL_S + 1) * RATE))
        cpu_s, signing_s = watched.cpu_s() - cpu_s, watched.signing_s() - signing_s
        watched.wait_for_events(count)
        watched.wait_until_sent(30)
        stored = dropbox.stored()
        faults = [f"{event.name}: {fault}" for event in watched.events() for fault in event.faults()]
    sizes = {path: len(file.data) for path, file in stored.items()}
    records = {path: size for path, size in sizes.items() if path.endswith(".jsonl")}
    footage = {path: size for path, size in sizes.items() if path.rpartition("/")[2].startswith("video")}
    print(
        f"{played.bits_per_second / 1e6:5.2f} Mbit/s: {sum(records.values()) / 1e3:.1f} kB in {len(records)} evidence "
        f"files, {_share(sum(records.values()), sum(sizes.values()))} of {sum(sizes.values()) / 1e6:.2f} MB; "
        f"{sum(records.values()) / len(footage):.0f} bytes for each of {len(footage)} chunks. Signing "
        f"{signing_s * 1e3:.1f} ms, {_share(signing_s, cpu_s)} of {cpu_s:.2f} CPU-seconds of an event; {load()}",
        flush=True,
    )
    print("".join(f"  FAULT {fault}\n" for fault in faults), end="", flush=True)


def _share(part: float, whole: float) -> str:
    return f"{part / whole * 100:.2f} %{'' if part / whole < _BAR else '!'}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mbit", type=float, nargs="+", default=[0.5, 2, 6])
    parser.add_argument("--events", type=int, default=1)
    asked = parser.parse_args()
    for mbit in asked.mbit:
        measure(mbit, asked.events)


if __name__ == "__main__":
    main()
