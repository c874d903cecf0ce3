"""What sealing and sending an event costs, beside the same camera idle and the same event without off-site.

    .venv/bin/python -m tests.bench.offsite_cpu [--mbit 2] [--runs 3]

The real daemon before the RTSP camera of offsite_loss: CPU-seconds a second (user and system) while nothing moves, and
from the movement to the end of the post-roll, with a store and without one, runs in turns. Threads are told apart by
their names: the chunkers seal (what Fernet and RSA-4096 alone cost for the same chunks is measured beside it), the
outbox's writer is the disk's share, the uploaders the SDK's with TLS. All pictures must be in the clip, and the time
from a picture's capture until it is in the ring says whether off-site holds up the camera.
"""

import argparse
import base64
import os
import statistics
import time
from dataclasses import dataclass

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tests.bench.offsite_judge import OffsiteEvent
from tests.bench.offsite_loss import load
from tests.bench.offsite_watch import POST_ROLL_S, Watching, owner_key, watching
from tests.bench.passer_by import RATE, Film, film
from tests.loopback_dropbox.server import LoopbackDropbox

_SETTLED = 4 * RATE
_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


@dataclass(frozen=True)
class Costs:
    """Of one run: CPU-seconds a second, by thread and in all; seconds from capture to ring; the event."""

    idle: float
    event: float
    threads: dict[str, float]
    idle_lag_s: list[float]
    event_lag_s: list[float]
    gaps_s: list[float]
    found: OffsiteEvent
    seconds: float


def run(played: Film, *, sends: bool) -> Costs:
    ends = played.first_resting + round((POST_ROLL_S + 1) * RATE)
    with LoopbackDropbox() as dropbox, watching(played, dropbox, sends=sends, inside=True) as watched:
        watched.wait_for_picture(_SETTLED)
        at_start = _now(watched)
        watched.wait_for_picture(played.first_moving - 1)
        at_movement = _now(watched)
        watched.wait_for_picture(ends)
        watched.wait_until_sent(30)
        at_end = _now(watched)
        (found,) = watched.events()
        ring, sent = watched.in_ring(), watched.sent_s
    assert [size for _, size in ring] == [len(played.units[i % len(played.units)]) for i in range(len(ring))]
    arrivals = [at_s for at_s, _ in ring]
    lags = [at_s - sent_s for at_s, sent_s in zip(arrivals, sent, strict=False)]
    in_event = slice(played.first_moving + RATE, ends)
    seconds = at_end[0] - at_movement[0]
    return Costs(
        idle=(at_movement[1] - at_start[1]) / (at_movement[0] - at_start[0]),
        event=(at_end[1] - at_movement[1]) / seconds,
        threads={name: (used - at_movement[2].get(name, 0.0)) / seconds for name, used in at_end[2].items()},
        idle_lag_s=lags[_SETTLED : played.first_moving],
        event_lag_s=lags[in_event],
        gaps_s=[after - before for before, after in zip(arrivals[in_event], arrivals[in_event][1:], strict=False)],
        found=found,
        seconds=seconds,
    )


def _now(watched: Watching) -> tuple[float, float, dict[str, float]]:
    return time.monotonic(), watched.cpu_s(), watched.threads_cpu_s()


def sealing_alone(played: Film, event: OffsiteEvent) -> tuple[float, float]:
    """CPU-seconds of Fernet and of RSA-OAEP for the chunks of an event, nothing else, medians of five."""
    public = owner_key().public_key()
    units = played.units
    plains = [b"".join(units[i % len(units)] for i in range(chunk.first, chunk.end)) for chunk in event.chunks]
    fernet, rsa = [], []
    for _ in range(5):
        began = time.thread_time()
        for plain in plains:
            Fernet(Fernet.generate_key()).encrypt(plain)
        middle = time.thread_time()
        for _ in plains:
            base64.b64encode(public.encrypt(os.urandom(44), _OAEP))
        fernet.append(middle - began)
        rsa.append(time.thread_time() - middle)
    return statistics.median(fernet), statistics.median(rsa)


def report(played: Film, sending: list[Costs], plain: list[Costs]) -> None:
    idle = statistics.median(costs.idle for costs in sending + plain)
    with_s, without_s = (statistics.median(costs.event for costs in runs) for runs in (sending, plain))
    print(
        f"{played.bits_per_second / 1e6:.2f} Mbit/s: % of a core: idle {idle * 100:.1f}, event without off-site "
        f"{without_s * 100:.1f}, with it {with_s * 100:.1f} ({with_s / idle:.2f} times idle); {load()}"
    )
    names = sorted({name for costs in sending + plain for name in costs.threads})
    of = {
        name: [statistics.median(costs.threads.get(name, 0.0) for costs in runs) for runs in (sending, plain)]
        for name in names
    }
    for name, (used, used_plain) in sorted(of.items(), key=lambda item: -item[1][0]):
        if max(used, used_plain) >= 0.0005:
            print(f"  {name:16} {used * 100:5.2f}  without off-site {used_plain * 100:5.2f}")
    seconds = statistics.median(costs.seconds for costs in sending)
    fernet, rsa = (
        statistics.median(figures) / seconds
        for figures in zip(*(sealing_alone(played, costs.found) for costs in sending), strict=True)
    )
    more = {name: used - used_plain for name, (used, used_plain) in of.items()}
    shares = {
        "Fernet": fernet,
        "RSA-OAEP": rsa,
        "cutting, the picture": _of(more, "chunker") - fernet - rsa,
        "SDK with TLS": _of(more, "uploader"),
        "disk (outbox, recorder)": _of(more, "outbox") + _of(more, "recorder"),
        "pictures read as they come": _of(more, "receiver"),
    }
    shares["rest"] = with_s - without_s - sum(shares.values())
    print(
        f"  off-site's {(with_s - without_s) * 100:.2f}: " + ", ".join(f"{k} {v * 100:.2f}" for k, v in shares.items())
    )
    for name, runs in (("with off-site", sending), ("without", plain)):
        print(
            f"  {name}: capture to ring, ms: idle median {_ms(runs, 'idle_lag_s', statistics.median)}, most "
            f"{_ms(runs, 'idle_lag_s', max)}; event median {_ms(runs, 'event_lag_s', statistics.median)}, most "
            f"{_ms(runs, 'event_lag_s', max)}; longest gap between pictures in the ring {_ms(runs, 'gaps_s', max)}"
        )
    for costs in sending + plain:
        clip = costs.found.clip
        assert clip is not None, "no clip"
        print("".join(f"  FAULT {fault}\n" for fault in (costs.found.faults() if costs.found.chunks else [])), end="")
    print("  no picture is missing in any clip", flush=True)


def _of(used: dict[str, float], worker: str) -> float:
    return sum(each for name, each in used.items() if name.startswith(worker))


def _ms(runs: list[Costs], name: str, figure: object) -> str:
    assert callable(figure)
    return "/".join(f"{figure(getattr(costs, name)) * 1000:.1f}" for costs in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mbit", type=float, nargs="+", default=[2])
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    for played in map(film, asked.mbit):
        pairs = [(run(played, sends=True), run(played, sends=False)) for _ in range(asked.runs)]
        report(played, [sending for sending, _ in pairs], [plain for _, plain in pairs])


if __name__ == "__main__":
    main()
