"""What is lost when the power is cut in mid-event, and whether all is off-site in the end.

    .venv/bin/python -m tests.bench.offsite_loss [--events 3] [--mbit 0.5 2 6] [--chunk-secs default 0.5] [--sync-ms 30]
    .venv/bin/python -m tests.bench.offsite_loss --outage

The real daemon, sealing for an RSA-4096 key, sends to a Dropbox on loopback (TLS, the real SDK) what it sees of a
720p20 RTSP camera that notes when it sends each picture. The store says when it had each chunk; it is opened with the
private key, and its pictures are recognised by their bytes. Lost is, for a cut at every 10 ms of the event, the time
from then back to the capture of the newest picture up to which the event is stored without a gap.

--sync-ms: each sync of a file or directory takes so much longer, as on a memory card.
--outage: the store is away for 60 s from the middle of an event on, while others come; all must be there in the end.
"""

import argparse
import os
import statistics
import time
from collections.abc import Sequence

from tests.bench.offsite_judge import Losses, OffsiteEvent
from tests.bench.offsite_watch import PRE_ROLL_S, watching
from tests.bench.passer_by import RATE, Film, film
from tests.loopback_dropbox.server import LoopbackDropbox

YARDSTICKS = """\
for scale, mean / most:  Motion, upload at movie end   20   / 43        2 s segments           1.1  / 2.1
                         Motion at its best tuning      2.8 /  5.9      10 s segments          4.8  / 10
                         first generation, 3 MB chunks  5.7 / 12.8      a bare 0.5 s prototype 0.31 / 0.56"""
_BARS = {None: (0.6, 1.2), 0.5: (0.4, 0.7)}
_KNOWN_S = 1.0
_OUTAGE_S = 60.0


def together(losses: Sequence[Losses]) -> Losses:
    return Losses(tuple(second for loss in losses for second in loss.seconds))


def verdict(figure: float, bar: float) -> str:
    return f"{figure:5.2f}{' ' if figure < bar else '!'}"


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def heading() -> None:
    print(YARDSTICKS)
    print("seconds lost (mean/most; ! misses the bar), all events together; medians of the rest")
    print(
        "Mbit/s  chunk      whole from the movement   newest stored   from the pre-roll on   movement known   "
        "motion0.jpg   pre-roll   last picture to stored (most)   chunk"
    )


def report(played: Film, chunk_s: float | None, events: Sequence[OffsiteEvent]) -> None:
    mean_bar, most_bar = _BARS.get(chunk_s, (float("inf"), float("inf")))
    whole = together([event.losses() for event in events])
    newest = together([event.newest_losses() for event in events])
    all_of_it = together([event.losses(from_picture=event.first) for event in events])
    pictured = [event.picture_at_s - event.sent_s[event.moving] for event in events if event.picture_at_s]
    lags = [chunk.at_s - event.sent_s[chunk.end - 1] for event in events for chunk in event.live]
    lengths = [(chunk.end - chunk.first) / RATE for event in events for chunk in event.live]
    known = [event.known_after_s for event in events]
    print(
        f"{played.bits_per_second / 1e6:6.2f}  {chunk_s or 'default':<7}    "
        f"{verdict(whole.mean, mean_bar)} / {verdict(whole.most, most_bar)}           "
        f"{newest.mean:4.2f} / {newest.most:4.2f}     {all_of_it.mean:4.2f} / {all_of_it.most:4.2f}            "
        f"{statistics.median(known):4.2f} ({max(known):4.2f}{' ' if max(known) < _KNOWN_S else '!'})   "
        f"{statistics.median(pictured):6.2f}      {min(event.pre_roll_s for event in events):7.2f}    "
        f"{statistics.median(lags):10.3f} ({max(lags):5.3f})           {statistics.median(lengths):8.2f} s   {load()}",
        flush=True,
    )
    for event in events:
        for fault in event.faults():
            print(f"  FAULT {event.name}: {fault}", flush=True)
        if event.pre_roll_s < PRE_ROLL_S:
            print(f"  FAULT {event.name}: {event.pre_roll_s:.2f} s of pre-roll", flush=True)


def losses(mbits: Sequence[float], chunk_lengths: Sequence[float | None], count: int, sync_ms: float) -> None:
    heading()
    for chunk_s in chunk_lengths:
        for played in map(film, mbits):
            with LoopbackDropbox() as dropbox, watching(played, dropbox, chunk_s=chunk_s, sync_ms=sync_ms) as watched:
                watched.wait_for_events(count)
                watched.wait_until_sent(30)
                events = watched.events()
            if len(events) != count:
                print(f"  FAULT {len(events)} events instead of {count}: {[event.name for event in events]}")
            report(played, chunk_s, events)


def outage(mbit: float) -> None:
    """Gone from the tenth second of an event's movement on; two more events meanwhile and after."""
    played = film(mbit)
    with LoopbackDropbox() as dropbox, watching(played, dropbox) as watched:
        watched.wait_for_picture(played.first_moving + 10 * RATE)
        dropbox.go_away()
        went_s = time.monotonic()
        time.sleep(_OUTAGE_S)
        dropbox.come_back()
        back_s = time.monotonic()
        watched.wait_for_events(3)
        waited = watched.waiting()
        watched.wait_until_sent(120)
        events = watched.events()
        late = [chunk for event in events for chunk in event.chunks if went_s < event.sent_s[chunk.end - 1] < back_s]
    print(
        f"store away for {back_s - went_s:.0f} s: {len(events)} events, "
        f"{sum(event.end - event.first for event in events)} pictures in {sum(len(event.chunks) for event in events)} "
        f"chunks, {len(late)} of them from the outage, the last of these stored "
        f"{max(chunk.at_s for chunk in late) - back_s:.1f} s after it; {waited} files waited at the end; {load()}"
    )
    faults = [f"{event.name}: {fault}" for event in events for fault in event.faults()]
    print("\n".join(f"  FAULT {fault}" for fault in faults) or "  all pictures of the clips are stored, none twice")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=3)
    parser.add_argument("--mbit", type=float, nargs="+", default=[0.5, 2, 6])
    parser.add_argument("--chunk-secs", nargs="+", default=["default", "0.5"])
    parser.add_argument("--sync-ms", type=float, default=0)
    parser.add_argument("--outage", action="store_true")
    asked = parser.parse_args()
    if asked.outage:
        for mbit in asked.mbit:
            outage(mbit)
    else:
        lengths = [None if text == "default" else float(text) for text in asked.chunk_secs]
        losses(asked.mbit, lengths, asked.events, asked.sync_ms)


if __name__ == "__main__":
    main()
