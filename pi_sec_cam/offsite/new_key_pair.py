"""Makes the owner's key pair, and writes both halves or neither."""

import os
from contextlib import ExitStack
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pi_sec_cam.durable import storage_error, sync_directory, write_at
from pi_sec_cam.errors import StorageError
from pi_sec_cam.ownership import give_to_owner

PRIVATE_NAME, PUBLIC_NAME = "pi_sec_cam_private.pem", "pi_sec_cam_public.pem"


def new_private_key(bits: int) -> rsa.RSAPrivateKey:
    """A new key; 4096 bits take seconds, and minutes on the smallest computers."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def check_room(directory: Path) -> None:
    """Whether a pair can be written to `directory`: to be known before a passphrase is asked for.

    Raises:
        StorageError: there is no such directory, or a file with the name of a key is in it.
    """
    if not directory.is_dir():
        raise StorageError(f"there is no directory {directory}; create it first")
    for path in (directory / PRIVATE_NAME, directory / PUBLIC_NAME):
        if os.path.lexists(path):
            raise StorageError(
                f"{path} exists, and a key is never overwritten: without it, what was sealed for it is lost; "
                "choose another directory with --out"
            )


def write_key_pair(directory: Path, key: rsa.RSAPrivateKey, passphrase: str | None) -> tuple[Path, Path]:
    """Write both halves, the private one for its owner's eyes alone (mode 0600); on return they are on the disk.

    Args:
        passphrase: protects the private key (PKCS#8, AES-256-CBC); None: it stands there in the clear.

    Returns:
        The paths of the private and of the public key.

    Raises:
        StorageError: as `check_room`, and the disk's; then neither file is there.
    """
    check_room(directory)
    protection: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        protection = serialization.BestAvailableEncryption(passphrase.encode())
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with ExitStack() as undo:
        try:
            for name, pem, mode in ((PRIVATE_NAME, private, 0o600), (PUBLIC_NAME, public, 0o644)):
                path = directory / name
                file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
                undo.callback(path.unlink)
                try:
                    give_to_owner(file, directory)
                    write_at(file, pem, 0)
                    os.fsync(file)
                finally:
                    os.close(file)
            sync_directory(directory)
        except OSError as error:
            raise storage_error(f"cannot write the keys to {directory}", error) from error
        undo.pop_all()
    return directory / PRIVATE_NAME, directory / PUBLIC_NAME
