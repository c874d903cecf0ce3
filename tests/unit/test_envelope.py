"""Nothing opens that is not whole, unaltered and for this key; our code and decrypt.py say the same of each file."""

import base64
import hmac
import importlib.util
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from pi_sec_cam.errors import PiSecCamError, SealedFileDamaged, WrongKey
from pi_sec_cam.offsite.envelope import Envelope, is_clear, open_sealed
from tests.unit.owner_keys import another_private_pem, private_key, public_key

BITS = 1024
CONTENT = b"what a camera saw"
MIB = 1 << 20


def stand_alone() -> Any:
    """decrypt.py as a module."""
    path = Path(__file__).parents[2] / "ancillary/decryption/decrypt.py"
    specification = importlib.util.spec_from_file_location("decrypt_alone", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


ALONE = stand_alone()


def refusal(sealed: bytes, key: RSAPrivateKey) -> Exception:
    """Why our code does not open it; decrypt.py must say the same. Any other exception is a fault."""
    with pytest.raises(ALONE.CannotOpenError) as alone:
        ALONE.opened(sealed, key)
    with pytest.raises((SealedFileDamaged, WrongKey)) as ours:
        open_sealed(sealed, key)
    assert str(ours.value) == str(alone.value)
    return ours.value


@pytest.fixture(scope="module")
def sealed() -> bytes:
    return Envelope(public_key(BITS)).seal(CONTENT)


def test_each_file_is_sealed_with_a_key_of_its_own(sealed: bytes) -> None:
    again = Envelope(public_key(BITS)).seal(CONTENT)
    assert open_sealed(again, private_key(BITS)) == open_sealed(sealed, private_key(BITS)) == CONTENT
    assert again[4:176] != sealed[4:176]
    assert again[176:] != sealed[176:]


@pytest.mark.parametrize(
    ("field", "says"),
    [
        (b"0172 ", "does not begin with a length"),
        (b"172", "does not begin with a length"),
        (b"172\n", "does not begin with a length"),
        (b"+172 ", "does not begin with a length"),
        (b"-172 ", "does not begin with a length"),
        (b" 172 ", "does not begin with a length"),
        (b"1_72 ", "does not begin with a length"),
        ("١٧٢ ".encode(), "does not begin with a length"),
        (b"0 ", "does not begin with a length"),
        (b"100 ", "does not begin with a length"),
        (b"171 ", "does not begin with a length"),
        (b"688 ", "does not begin with a length"),
        (b"9" * 5000 + b" ", "does not begin with a length"),
        (b"684 ", "cut short"),
        (b"173 ", "not in the right form"),
        (b"176 ", "not in the right form"),
    ],
)
def test_a_malformed_length_is_refused(sealed: bytes, field: bytes, says: str) -> None:
    error = refusal(field + sealed[4:], private_key(BITS))
    assert isinstance(error, SealedFileDamaged)
    assert says in str(error)


@pytest.mark.parametrize(
    ("foreign", "says"),
    [
        (b"", "empty"),
        (b"\xff\xd8\xff\xe0 a picture", "not sealed: a picture or video that can be used as it is"),
        (b"\x00\x00\x00\x01\x67 a video", "not sealed: a picture or video that can be used as it is"),
        (b"gAAAAABqX" * 40, "not a sealed file"),
        (b"<!DOCTYPE html><html>", "not a sealed file"),
        (b"344 " + b"\xff" * 1000, "not in the right form"),
    ],
)
def test_a_foreign_file_is_refused(foreign: bytes, says: str) -> None:
    error = refusal(foreign, private_key(BITS))
    assert isinstance(error, SealedFileDamaged)
    assert says in str(error)


def test_a_file_that_was_cut_is_refused_wherever_it_was_cut(sealed: bytes) -> None:
    for length in range(len(sealed)):
        assert isinstance(refusal(sealed[:length], private_key(BITS)), SealedFileDamaged)
    assert "cut short: only 200 bytes" in str(refusal(sealed[:200], private_key(BITS)))


def test_no_bit_can_be_changed(sealed: bytes) -> None:
    for place in range(len(sealed)):
        for bit in range(8):
            changed = bytearray(sealed)
            changed[place] ^= 1 << bit
            refusal(bytes(changed), private_key(BITS))


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s + b"\n",
        lambda s: s + b"A",
        lambda s: s + b"AAAA",
        lambda s: s + b"=",
        lambda s: s[:200] + b"\n" + s[200:],  # as a mail program wraps
        lambda s: s[:200] + b"*" + s[200:],
        lambda s: s[:100] + b"\n" + s[101:],
        lambda s: s[:4] + s[4:176].replace(b"+", b"-").replace(b"/", b"_") + s[176:],  # the other alphabet
        lambda s: s[:176] + s[176:].replace(b"-", b"+").replace(b"_", b"/"),
        lambda s: s + s,
        lambda s: s[:176] + s[:176] + s[176:],
        lambda s: b"\xef\xbb\xbf" + s,
        lambda s: s.replace(b" ", b"  ", 1),
    ],
)
def test_what_lenient_decoders_pass_by_is_refused(change: Callable[[bytes], bytes]) -> None:
    envelope = Envelope(public_key(BITS))
    sealed = envelope.seal(bytes(300))
    while change(sealed) == sealed:  # it had none of the letters in question
        sealed = envelope.seal(bytes(300))
    refusal(change(sealed), private_key(BITS))


def test_the_content_of_one_file_does_not_pass_with_the_key_of_another(sealed: bytes) -> None:
    other = Envelope(public_key(BITS)).seal(CONTENT)
    error = refusal(other[:176] + sealed[176:], private_key(BITS))
    assert "checksum" in str(error)


def test_another_key_is_told_from_damage(sealed: bytes) -> None:
    stranger = load_pem_private_key(another_private_pem(BITS), None)
    assert isinstance(stranger, RSAPrivateKey)
    error = refusal(sealed, stranger)
    assert isinstance(error, WrongKey)
    assert "another key" in str(error)
    error = refusal(sealed, private_key(2048))
    assert isinstance(error, WrongKey)
    assert "RSA key of 1024 bits, and this private key has 2048" in str(error)


def forged(key: bytes, token: bytes) -> bytes:
    """What anybody can make who has the public key."""
    oaep = OAEP(mgf=MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    wrapped = base64.b64encode(public_key(BITS).encrypt(key, oaep))
    return b"%d " % len(wrapped) + wrapped + token


@pytest.mark.parametrize("key", [b"", bytes(32), b"A" * 44, b"*" * 44, "ключ".encode()])
def test_what_is_sealed_without_a_fernet_key_is_damaged(sealed: bytes, key: bytes) -> None:
    assert isinstance(refusal(forged(key, sealed[176:]), private_key(BITS)), SealedFileDamaged)


@pytest.mark.parametrize("inner", [b"\x80" + bytes(42), b"\x80" + bytes(50), b"\x80" + bytes(24 + 17), bytes(60)])
def test_a_token_with_a_right_checksum_and_a_wrong_content_is_damaged(inner: bytes) -> None:
    mac = hmac.digest(bytes(16), inner, "sha256")
    token = base64.urlsafe_b64encode(inner + mac)
    assert isinstance(refusal(forged(base64.urlsafe_b64encode(bytes(32)), token), private_key(BITS)), SealedFileDamaged)


@seed(4)
@settings(max_examples=150, deadline=None, database=None)
@given(
    head=st.sampled_from([b"", b"172 ", b"344 ", b"684 "]),
    body=st.binary(max_size=60).map(lambda some: (some * 30)[:900]) | st.binary(max_size=400),
    coded=st.booleans(),
)
def test_nothing_but_our_errors_comes_of_anything(head: bytes, body: bytes, coded: bool) -> None:
    error = refusal(head + (base64.urlsafe_b64encode(body) if coded else body), private_key(BITS))
    assert isinstance(error, PiSecCamError)


def test_a_chunk_needs_at_most_eight_times_its_size() -> None:
    envelope = Envelope(public_key(BITS))
    tracemalloc.start()
    try:
        plain = bytes(range(256)) * (3 * MIB // 256)
        sealed = envelope.seal(plain)
        sealing = tracemalloc.get_traced_memory()[1]
        del plain
        tracemalloc.reset_peak()
        opened = open_sealed(sealed, private_key(BITS))
        opening = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(opened) == 3 * MIB
    assert sealing < 8 * len(opened)
    assert opening < 8 * len(opened)
    print(f"memory, times the chunk: sealing {sealing / len(opened):.2f}, opening {opening / len(opened):.2f}")


def test_a_picture_that_was_never_sealed_is_known_by_its_beginning(sealed: bytes) -> None:
    assert is_clear(b"\xff\xd8\xff\xdb")
    assert not is_clear(sealed)
