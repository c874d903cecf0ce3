"""Reads the owner's public and private key (docs/sealed-format.md), and says what is wrong with a file."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from pi_sec_cam.durable import storage_error
from pi_sec_cam.errors import KeyUnusable, WrongPassphrase

PublicKey: TypeAlias = RSAPublicKey
PrivateKey: TypeAlias = RSAPrivateKey
"""For those who pass keys on and need not know whose classes they are."""

_BITS = range(1024, 4097)
_LARGEST_FILE = 65536  # RSA-4096 with a passphrase takes 3.4 kB; what is longer is something else
_LABEL = re.compile(rb"^-----BEGIN ([A-Z0-9 ]+)-----", re.MULTILINE)
_NEW_PAIR = '"pi-sec-cam keys new" makes a pair'


def read_public_key(path: Path) -> RSAPublicKey:
    """The key that everything is sealed for.

    Raises:
        KeyUnusable: no such file, or not an RSA public key of 1024 to 4096 bits in PEM.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise KeyUnusable(f"{path} is no file")  # a pipe, say: to read it could take for ever
    pem = _read(path, "public key")
    labels = _labels(pem)
    if any(label.endswith("PRIVATE KEY") for label in labels):
        raise KeyUnusable(
            f"{path} holds a PRIVATE key, which opens all that is sealed: it must not be on the camera, where a thief "
            "finds it. Take it to a safe place and delete it here, and use the file with the public key "
            f'("openssl pkey -in {path.name} -pubout" prints that)'
        )
    if any("CERTIFICATE" in label for label in labels):
        raise KeyUnusable(
            f"{path} holds a certificate; what is needed is its public key alone "
            f'("openssl x509 -in {path.name} -noout -pubkey" prints it)'
        )
    if not any(label.endswith("PUBLIC KEY") for label in labels):
        raise KeyUnusable(f'{path} is no public key: it has no line "-----BEGIN PUBLIC KEY-----"; {_NEW_PAIR}')
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyUnusable(f"{path} is damaged, or no public key that is known here; copy it anew") from None
    if not isinstance(key, RSAPublicKey):
        raise KeyUnusable(f"{path} is a public key of another kind; sealing needs RSA. {_NEW_PAIR}")
    _check_size(path, key.key_size)
    return key


def read_private_key(path: Path, passphrase: Callable[[], str]) -> RSAPrivateKey:
    """The key that opens what is sealed.

    Args:
        passphrase: asked only where the key is protected by one.

    Raises:
        WrongPassphrase: the key is not opened by what `passphrase` returned.
        KeyUnusable: no such file, or not an RSA private key of 1024 to 4096 bits in PEM.
    """
    pem = _read(path, "private key")
    labels = _labels(pem)
    if not any(label.endswith("PRIVATE KEY") for label in labels):
        if any(label.endswith("PUBLIC KEY") for label in labels):
            raise KeyUnusable(f"{path} is a public key: it seals, and only the private key opens; name that one")
        raise KeyUnusable(f'{path} is no private key: it has no line "-----BEGIN … PRIVATE KEY-----"')
    # The second is how the older form (PKCS#1) says it.
    protected = any(label.startswith("ENCRYPTED") for label in labels) or b"Proc-Type: 4,ENCRYPTED" in pem
    try:
        key = serialization.load_pem_private_key(pem, passphrase().encode() if protected else None)
    except UnsupportedAlgorithm:
        raise KeyUnusable(
            f"{path} is protected in a way that is not known here; "
            f'"openssl pkey -in {path.name} -aes256 -out readable.pem" makes one that is'
        ) from None
    except (ValueError, TypeError):
        if protected:
            raise WrongPassphrase(f"this passphrase does not open {path} (or the file is damaged)") from None
        raise KeyUnusable(f"{path} is damaged, or no private key that is known here; take your other copy") from None
    if not isinstance(key, RSAPrivateKey):
        raise KeyUnusable(f"{path} is a private key of another kind; what is sealed here needs RSA")
    _check_size(path, key.key_size)
    return key


def fingerprint(key: RSAPublicKey) -> str:
    """What this key is called: the SHA-256 of its DER form (SubjectPublicKeyInfo), in hex."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _read(path: Path, wanted: str) -> bytes:
    """The file's beginning, longer than any key is."""
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_FILE)
    except FileNotFoundError:
        raise KeyUnusable(f"there is no {wanted} {path}; {_NEW_PAIR}, or correct the path") from None
    except IsADirectoryError:
        raise KeyUnusable(f"{path} is a directory; name the file with the {wanted} in it") from None
    except OSError as error:
        raise KeyUnusable(str(storage_error(f"cannot read the {wanted} {path}", error))) from error


def _labels(pem: bytes) -> list[str]:
    return [found.decode() for found in _LABEL.findall(pem)]


def _check_size(path: Path, bits: int) -> None:
    if bits not in _BITS:
        raise KeyUnusable(f"{path} is an RSA key of {bits} bits, and 1024 to 4096 can be used; {_NEW_PAIR}")
