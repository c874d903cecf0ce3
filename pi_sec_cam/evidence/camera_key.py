"""The camera's own key (Ed25519), by which it signs: made on its first start, kept in identity/, never sent."""

import os
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pi_sec_cam.durable import make_directories, storage_error, write_atomically
from pi_sec_cam.errors import KeyUnusable

NAME = "camera_key.pem"

PrivateKey: TypeAlias = Ed25519PrivateKey
PublicKey: TypeAlias = Ed25519PublicKey
"""A camera's public key, for those who only pass it on."""


def read_or_make_camera_key(identity: Path) -> tuple[Ed25519PrivateKey, bool]:
    """The key in the directory `identity`, whose parent must stand; and whether it was made just now.

    Raises:
        KeyUnusable: there is a file, and it is none, or may not be read.
        StorageError: from the disk.
    """
    key = read_camera_key(identity)
    if key is not None:
        return key, False
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        make_directories(identity, identity.parent)
        identity.chmod(0o700)
        write_atomically(identity / NAME, pem, mode=0o600)
    except OSError as error:
        raise storage_error(f"cannot write {identity / NAME}", error) from error
    return key, True


def read_camera_key(identity: Path) -> Ed25519PrivateKey | None:
    """The key in the directory `identity`; None if there is none yet.

    Raises:
        KeyUnusable: there is a file, and it is none, or may not be read.
    """
    path = identity / NAME
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyUnusable(f"cannot read {path}: {os.strerror(error.errno or 0)}") from error
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnusable(
            f"{path} is damaged, or no Ed25519 key: put it back from a copy; or move it away, then a new one is made, "
            "and what was signed before needs the old public key to be verified"
        )
    return key


def raw(key: Ed25519PublicKey) -> bytes:
    """Its 32 bytes."""
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def public_pem(key: Ed25519PublicKey) -> bytes:
    """As a PEM file."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: Ed25519PublicKey) -> str:
    """What this key is called: the SHA-256 of its DER form (SubjectPublicKeyInfo), in hexadecimal."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return sha256(der).hexdigest()


def read_public_key(text: str) -> Ed25519PublicKey:
    """A camera's public key, as a person gives it: the path of a PEM file, or its 64 hexadecimal digits.

    Spaces and colons between the digits, and their case, do not matter.

    Raises:
        KeyUnusable: it is neither.
    """
    digits = "".join(text.split()).replace(":", "").lower()
    if len(digits) == 64 and set(digits) <= set("0123456789abcdef"):
        try:
            return Ed25519PublicKey.from_public_bytes(bytes.fromhex(digits))
        except ValueError as error:
            raise KeyUnusable(f"{text} is no Ed25519 key") from error
    try:
        pem = Path(text).read_bytes()
    except OSError as error:
        raise KeyUnusable(
            f"cannot read {text}: {os.strerror(error.errno or 0)}; give a PEM file, or the 64 digits that "
            "`pi-sec-cam keys camera` shows on the camera"
        ) from error
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        private = ": it is a private key, which need not be shown to anybody" if b"PRIVATE KEY-----" in pem else ""
        raise KeyUnusable(
            f"{text} holds no public key in PEM form{private}. Give what `pi-sec-cam keys camera` shows on the camera"
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyUnusable(
            f"{text} is not the camera's key (Ed25519), but one of another kind. The owner's key opens footage; "
            "what is verified with is printed by `pi-sec-cam keys camera` on the camera"
        )
    return key
