"""Seals bytes for the owner's public key, and opens them with the private one (docs/sealed-format.md)."""

import base64
import binascii
import re

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from pi_sec_cam.errors import SealedFileDamaged, WrongKey

_LENGTH = re.compile(rb"([1-9][0-9]{2}) ")
_LENGTHS = range(172, 685)  # of RSA-1024 to RSA-4096, in base64
_SMALLEST_TOKEN = 100  # no content: 57 bytes around one block of padding, in base64
_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
# How files begin that were never sealed: JPEG; a byte stream of H.264 or H.265.
_CLEAR = (b"\xff\xd8\xff", b"\x00\x00\x00\x01", b"\x00\x00\x01")


class Envelope:
    """Seals for one public key. Any thread may use it."""

    def __init__(self, public_key: RSAPublicKey) -> None:
        self._public_key = public_key

    def seal(self, plain: bytes) -> bytes:
        """The sealed file of `plain`: about 1.334 times as long, different each time.

        Meanwhile it takes 6.7 times the memory of `plain`, which Fernet copies several times.
        """
        key = Fernet.generate_key()
        wrapped = base64.b64encode(self._public_key.encrypt(key, _OAEP))
        return b"".join((b"%d " % len(wrapped), wrapped, Fernet(key).encrypt(plain)))


def open_sealed(sealed: bytes, private_key: RSAPrivateKey) -> bytes:
    """What was sealed; nothing unless all of it is as it was.

    Raises:
        SealedFileDamaged: cut, altered, or not a sealed file; the message says what is wrong.
        WrongKey: sealed for another key, or altered where the key decides.
    """
    wrapped, token = _parts(sealed)
    bits = private_key.key_size
    if len(wrapped) != (bits + 7) // 8:
        raise WrongKey(f"sealed for an RSA key of {len(wrapped) * 8} bits, and this private key has {bits}")
    try:
        key = private_key.decrypt(wrapped, _OAEP)
    except ValueError:
        raise WrongKey(
            "sealed for another key than this one (or altered in its first part); take the private key that belongs to "
            "the camera's public key"
        ) from None
    try:
        return Fernet(key).decrypt(token)
    except (InvalidToken, ValueError):  # ValueError: what is in it was never a Fernet key, or is too short for one
        raise SealedFileDamaged("cut or altered after it was sealed: its checksum is wrong; fetch it anew") from None


def is_clear(beginning: bytes) -> bool:
    """Whether a file that begins like this is a picture or video that was never sealed."""
    return beginning.startswith(_CLEAR)


def _parts(sealed: bytes) -> tuple[bytes, bytes]:
    """What RSA encrypted, and the Fernet token, both in good form."""
    if not sealed:
        raise SealedFileDamaged("empty; fetch it anew")
    if is_clear(sealed):
        raise SealedFileDamaged("not sealed: a picture or video that can be used as it is")
    found = _LENGTH.match(sealed)
    if found is None or int(found[1]) not in _LENGTHS:
        raise SealedFileDamaged("not a sealed file: it does not begin with a length (172 to 684) and a blank")
    begin, end = found.end(), found.end() + int(found[1])
    if len(sealed) < end + _SMALLEST_TOKEN:
        raise SealedFileDamaged(f"cut short: only {len(sealed)} bytes are left; fetch it anew")
    coded, token = sealed[begin:end], sealed[end:]
    try:
        # Encoded anew, because decoders pass by what is foreign or left over: an altered file would open.
        wrapped = base64.b64decode(coded)
        sound = base64.b64encode(wrapped) == coded
        sound = sound and base64.urlsafe_b64encode(base64.urlsafe_b64decode(token)) == token
    except binascii.Error:
        sound = False
    if not sound or not token.startswith(b"gAAAA"):
        raise SealedFileDamaged("cut, altered or not a sealed file: what it holds is not in the right form")
    return wrapped, token
