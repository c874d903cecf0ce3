"""What is lost when the power is cut in mid-event, over a slow line, with and without a backlog from before.

    .venv/bin/python -m tests.bench.offsite_uplink [--mbit 2] [--times 1 1.5 3] [--backlog 0 200] [--events 1]

As offsite_loss, and each call to the store takes 300 ms beside its bytes, one call at a time; the line carries 1.0,
1.5 and 3 times the sealed bit rate. Lost is, as there, what is newer than the newest picture up to which all is stored
since the movement began; and beside it what is newer than the newest picture that is stored. With a backlog, chunks of
a second each wait from an outage before. In the end the line is let go, and all must be there.
"""

import argparse
import statistics

from tests.bench.offsite_loss import YARDSTICKS, load, together
from tests.bench.offsite_watch import Watching, watching
from tests.bench.passer_by import RATE, film
from tests.loopback_dropbox.server import LoopbackDropbox

_CALL_S = 0.3
# Fernet's base64 around AES; the wrapped key of 688 bytes a chunk is in none of the figures.
_SEALED = 4 / 3


def measure(mbit: float, times: float, backlog: int, count: int) -> None:
    played = film(mbit)
    dropbox = LoopbackDropbox()
    dropbox.latency_s, dropbox.serialised = _CALL_S, True
    dropbox.uplink.bytes_per_s = times * _SEALED * played.bits_per_second / 8
    with dropbox, watching(played, dropbox, backlog=backlog) as watched:
        waited = watched.waiting()
        watched.wait_for_events(count)
        events_end_s = watched.sent_s[-1]
        dropbox.latency_s, dropbox.uplink.bytes_per_s = 0.0, None
        watched.wait_until_sent(180)
        report(watched, times, waited, events_end_s)


def report(watched: Watching, times: float, waited: int, events_end_s: float) -> None:
    events = watched.events()
    whole = together([event.losses() for event in events])
    newest = together([event.newest_losses() for event in events])
    lengths = [(chunk.end - chunk.first) / RATE for event in events for chunk in event.live]
    began_s = min(event.sent_s[event.moving] for event in events)
    calls = sum(began_s < request.begun_s < events_end_s for request in watched.dropbox.requests("files/"))
    pictured = [event.picture_at_s - event.sent_s[event.moving] for event in events if event.picture_at_s]
    print(
        f"{times:5.1f}  {waited:7}   {whole.mean:5.2f} / {whole.most:5.2f}            "
        f"{newest.mean:5.2f} / {newest.most:5.2f}    {max(event.known_after_s for event in events):5.2f}       "
        f"{max(pictured):5.2f}       {statistics.median(lengths):4.1f} ({min(lengths):.1f}–{max(lengths):.1f}) s      "
        f"{calls / (events_end_s - began_s):4.1f}     {load()}",
        flush=True,
    )
    faults = [f"{event.name}: {fault}" for event in events for fault in event.faults()]
    print("".join(f"  FAULT {fault}\n" for fault in faults), end="", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mbit", type=float, default=2)
    parser.add_argument("--times", type=float, nargs="+", default=[1, 1.5, 3])
    parser.add_argument("--backlog", type=int, nargs="+", default=[0, 200])
    parser.add_argument("--events", type=int, default=1)
    asked = parser.parse_args()
    print(YARDSTICKS)
    print(f"{asked.mbit:g} Mbit/s, {_CALL_S * 1000:.0f} ms a call, serialised; seconds lost, mean / most")
    print(
        "times  backlog   whole from the movement   newest stored   movement known   motion0.jpg   chunks"
        "                calls a second"
    )
    for backlog in asked.backlog:
        for times in asked.times:
            measure(asked.mbit, times, backlog, asked.events)


if __name__ == "__main__":
    main()
