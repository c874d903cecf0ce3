"""What sealing a file costs, against Fernet and one RSA-OAEP alone.

    .venv/bin/python -m tests.bench.envelope

CPU time of the process, medians; yardstick and sealing take turns in the same run. The bar is 1.1 times the yardstick.
"""

import os
import statistics
import time
from collections.abc import Callable

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key

from pi_sec_cam.offsite.envelope import Envelope

_SIZES = (62_000, 250_000, 3_000_000)
_BITS = (2048, 4096)
_SECONDS = 4.0  # for each line
_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


def yardstick(key: RSAPublicKey, content: bytes) -> None:
    fernet_key = Fernet.generate_key()
    key.encrypt(fernet_key, _OAEP)
    Fernet(fernet_key).encrypt(content)


def spent(work: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.process_time_ns()
    work()
    return (time.process_time_ns() - began) / 1e6


def medians(key: RSAPublicKey, size: int) -> tuple[float, float, float]:
    """Milliseconds of the yardstick, of sealing, and of Fernet alone."""
    content, envelope, fernet = os.urandom(size), Envelope(key), Fernet(Fernet.generate_key())
    rounds: list[tuple[float, float, float]] = []
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        floor = spent(lambda: yardstick(key, content))
        rounds.append((floor, spent(lambda: envelope.seal(content)), spent(lambda: fernet.encrypt(content))))
    floor, sealing, alone = (statistics.median(column) for column in zip(*rounds, strict=True))
    return floor, sealing, alone


def main() -> None:
    print("RSA   bytes     yardstick, ms   sealing, ms   ratio (bar: 1.1)   Fernet alone, ms")
    for bits in _BITS:
        key = generate_private_key(65537, bits).public_key()
        for size in _SIZES:
            floor, sealing, alone = medians(key, size)
            print(f"{bits}  {size:8}  {floor:13.3f}   {sealing:11.3f}   {sealing / floor:16.3f}   {alone:16.3f}")


if __name__ == "__main__":
    main()
