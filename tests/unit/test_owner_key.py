"""Keys are read in all forms that people have them in; what is no key is named, with the way out."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pi_sec_cam.errors import KeyUnusable, WrongPassphrase
from pi_sec_cam.offsite.envelope import Envelope, open_sealed
from pi_sec_cam.offsite.owner_key import fingerprint, read_private_key, read_public_key
from pi_sec_cam.offsite.sealing_key import SealingKey
from tests.unit.owner_keys import SIZES, another_private_pem, openssl, private_pem, public_key, public_pem

PASSPHRASE = "Käse und Brot"


def file(folder: Path, content: bytes, name: str = "key.pem") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def nobody_asks() -> str:
    raise AssertionError("a passphrase was asked for")


def elliptic() -> bytes:
    return openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")


def certificate() -> bytes:
    return openssl("req", "-x509", "-key", "/dev/stdin", "-subj", "/CN=camera", data=private_pem(2048))


def protected(*how: str) -> bytes:
    return openssl(*how, "-passout", f"pass:{PASSPHRASE}", data=private_pem(2048))


@pytest.mark.parametrize("bits", SIZES)
def test_keys_of_all_sizes_are_read(tmp_path: Path, bits: int) -> None:
    public = read_public_key(file(tmp_path, public_pem(bits), "public.pem"))
    private = read_private_key(file(tmp_path, private_pem(bits)), nobody_asks)
    assert public.key_size == private.key_size == bits
    assert open_sealed(Envelope(public).seal(b"seen"), private) == b"seen"


@pytest.mark.parametrize("eol", [b"\n", b"\r\n"])
def test_the_older_forms_and_windows_line_ends_are_read(tmp_path: Path, eol: bytes) -> None:
    older_public = openssl("rsa", "-pubin", "-RSAPublicKey_out", data=public_pem(2048)).replace(b"\n", eol)
    older_private = openssl("rsa", "-traditional", data=private_pem(2048)).replace(b"\n", eol)
    assert b"RSA PUBLIC" in older_public
    assert b"RSA PRIVATE" in older_private
    assert read_public_key(file(tmp_path, older_public)) == public_key(2048)
    assert read_private_key(file(tmp_path, older_private), nobody_asks).public_key() == public_key(2048)


def test_the_fingerprint_is_what_openssl_says(tmp_path: Path) -> None:
    der = openssl("pkey", "-pubin", "-outform", "DER", data=public_pem(2048))
    assert fingerprint(public_key(2048)) == openssl("dgst", "-sha256", "-r", data=der).split()[0].decode()


@pytest.mark.parametrize(
    "pem",
    [
        lambda: protected("pkcs8", "-topk8", "-v2", "aes-256-cbc"),
        lambda: protected("pkcs8", "-topk8", "-scrypt"),
        lambda: protected("rsa", "-traditional", "-aes256"),
        lambda: protected("rsa", "-traditional", "-des3"),
    ],
)
def test_a_passphrase_opens_its_key_and_no_other_does(tmp_path: Path, pem: Callable[[], bytes]) -> None:
    path = file(tmp_path, pem())
    assert read_private_key(path, lambda: PASSPHRASE).public_key() == public_key(2048)
    for wrong in ("", "Kaese", PASSPHRASE + " ", "x" * 5000, "\udcff"):
        with pytest.raises(WrongPassphrase, match="does not open"):
            read_private_key(path, lambda wrong=wrong: wrong)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lambda: private_pem(2048), "PRIVATE key.*must not be on the camera"),
        (lambda: protected("pkcs8", "-topk8"), "PRIVATE key.*must not be on the camera"),
        (lambda: public_pem(2048) + private_pem(2048), "PRIVATE key.*must not be on the camera"),
        (certificate, 'holds a certificate.*openssl x509 -in key.pem -noout -pubkey" prints'),
        (lambda: openssl("pkey", "-pubout", data=elliptic()), "another kind; sealing needs RSA"),
        (lambda: openssl("pkey", "-pubin", "-outform", "DER", data=public_pem(2048)), "is no public key"),
        (lambda: b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ root@pi", "is no public key.*keys new"),
        (lambda: b"", "is no public key"),
        (lambda: bytes(100_000), "is no public key"),
        (lambda: public_pem(2048)[:200], "damaged"),
        (lambda: public_pem(2048).replace(b"A", b"B"), "damaged"),
        (lambda: public_pem(2048).replace(b"MII", b"***"), "damaged"),
        (lambda: openssl("pkey", "-pubout", data=another_private_pem(512)), "512 bits, and 1024 to 4096"),
    ],
)
def test_what_is_no_public_key_is_named(tmp_path: Path, content: Callable[[], bytes], says: str) -> None:
    path = file(tmp_path, content())
    with pytest.raises(KeyUnusable, match=f"(?s){path}.*{says}"):
        read_public_key(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lambda: public_pem(2048), "public key: it seals, and only the private key opens"),
        (certificate, "is no private key"),
        (elliptic, "another kind.*RSA"),
        (lambda: b"no key", "is no private key"),
        (lambda: private_pem(2048)[:300], "damaged"),
        (lambda: private_pem(2048).replace(b"\nMII", b"\nMIB"), "damaged"),
        (lambda: b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n", "damaged, or no"),
    ],
)
def test_what_is_no_private_key_is_named(tmp_path: Path, content: Callable[[], bytes], says: str) -> None:
    path = file(tmp_path, content())
    with pytest.raises(KeyUnusable, match=f"(?s){path}.*{says}"):
        read_private_key(path, nobody_asks)


def test_a_place_without_a_file_is_named(tmp_path: Path) -> None:
    pipe, nothing = tmp_path / "pipe", tmp_path / "nothing.pem"
    os.mkfifo(pipe)
    for path, says in ((nothing, "there is no public key"), (tmp_path, "is a directory"), (pipe, "is no file")):
        with pytest.raises(KeyUnusable, match=says) as error:
            read_public_key(path)
        assert str(path) in str(error.value)
    for path, says in ((nothing, "there is no private key"), (tmp_path, "is a directory")):
        with pytest.raises(KeyUnusable, match=says) as error:
            read_private_key(path, nobody_asks)
        assert str(path) in str(error.value)


class TestSealingKey:
    """The daemon's key."""

    def test_a_file_that_stays_is_no_trouble(self, tmp_path: Path) -> None:
        key = SealingKey(file(tmp_path, public_pem(2048)))
        assert key.trouble() is None
        assert key.fingerprint == fingerprint(public_key(2048))

    def test_another_key_in_its_place_is_said_and_not_used(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        path = file(tmp_path, public_pem(2048))
        key = SealingKey(path)
        other = public_pem(1024)
        path.write_bytes(other)
        said = key.trouble()
        assert said is not None
        assert f"{path} is another key now ({fingerprint(public_key(1024))[:16]}" in said
        assert f"goes on for the key of the start ({key.fingerprint[:16]}" in said
        assert key.public_key == public_key(2048)
        assert key.trouble() == said
        assert caplog.messages == [said], "once in the log, where nobody asks for the status"

    @pytest.mark.parametrize(
        "happens", [Path.unlink, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(private_pem(2048))]
    )
    def test_a_key_that_has_gone_is_said_and_goes_on_being_used(
        self, tmp_path: Path, happens: Callable[[Path], object]
    ) -> None:
        path = file(tmp_path, public_pem(2048))
        key = SealingKey(path)
        happens(path)
        assert str(path) in (key.trouble() or "")
        assert key.public_key == public_key(2048)
        path.write_bytes(public_pem(2048))
        assert key.trouble() is None

    def test_the_same_key_copied_there_again_is_no_trouble(self, tmp_path: Path) -> None:
        path = file(tmp_path, public_pem(2048))
        key = SealingKey(path)
        file(tmp_path, public_pem(2048), "copy").replace(path)
        assert key.trouble() is None

    def test_the_file_is_read_again_only_when_it_changes(self, tmp_path: Path) -> None:
        path = file(tmp_path, public_pem(2048))
        key = SealingKey(path)
        before = path.stat()
        path.write_bytes(bytes(before.st_size))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert key.trouble() is None  # it looks as before: nobody read what is in it now
        os.utime(path)
        assert key.trouble() is not None

    def test_without_a_key_it_does_not_begin(self, tmp_path: Path) -> None:
        with pytest.raises(KeyUnusable):
            SealingKey(tmp_path / "nothing.pem")
