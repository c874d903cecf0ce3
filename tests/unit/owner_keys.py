"""Keys of the owner, minted by openssl when they are first wanted; one of each size a process."""

import functools
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

SIZES = (1024, 2048, 3072, 4096)


def openssl(*arguments: str | Path, data: bytes = b"") -> bytes:
    """What an openssl command prints; `data` is its standard input."""
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


@functools.cache
def private_pem(bits: int) -> bytes:
    """The private key (PKCS#8) of this size, without a passphrase."""
    return another_private_pem(bits)


def another_private_pem(bits: int) -> bytes:
    """A new one each time."""
    return openssl("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}")


@functools.cache
def public_pem(bits: int) -> bytes:
    return openssl("pkey", "-pubout", data=private_pem(bits))


@functools.cache
def private_key(bits: int) -> RSAPrivateKey:
    key = load_pem_private_key(private_pem(bits), None)
    assert isinstance(key, RSAPrivateKey)
    return key


def public_key(bits: int) -> RSAPublicKey:
    return private_key(bits).public_key()
