"""Stamps over a head: which answers of an authority are taken, and what a stamp proves to whom."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from pi_sec_cam.errors import KeyUnusable
from pi_sec_cam.evidence import stamp_exchange
from pi_sec_cam.evidence.stamp_exchange import NoStamp
from pi_sec_cam.evidence.timestamp import (
    AuthorityUnknown,
    StampWrong,
    check_stamp,
    read_authorities,
    request_stamp,
)
from tests.loopback_dropbox.certificate import mint
from tests.timestamp_authority import Answer, TimestampAuthority

HEAD = f"{'ab' * 16}:17:{'cd' * 32}"
OTHER = f"{'ab' * 16}:18:{'ce' * 32}"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TimestampAuthority]:
    with TimestampAuthority(tmp_path_factory.mktemp("authority")) as made:
        yield made


@pytest.fixture(scope="module")
def roots(authority: TimestampAuthority) -> list[x509.Certificate]:
    return read_authorities(authority.root)


@pytest.fixture(scope="module")
def tsr(authority: TimestampAuthority) -> bytes:
    return request_stamp(authority.url, HEAD)


@pytest.fixture
def answering(authority: TimestampAuthority) -> Iterator[Callable[[Callable[[bytes], Answer]], None]]:
    """Lets the authority answer otherwise until the test ends."""
    usual = authority.answer

    def by(answer: Callable[[bytes], Answer]) -> None:
        authority.answer = answer

    yield by
    authority.answer = usual


def query(head: str) -> bytes:
    return TimestampRequestBuilder().data(head.encode()).hash_algorithm(HashAlgorithm.SHA256).build().as_bytes()


def test_a_stamp_tells_when_a_head_existed_and_who_says_so(tsr: bytes, roots: list[x509.Certificate]) -> None:
    stamp = check_stamp(tsr, HEAD, roots)
    assert abs(stamp.at - datetime.now(UTC)) < timedelta(minutes=5)
    assert stamp.authority == "stamps of a test"


def test_openssl_verifies_it_over_the_heads_text(authority: TimestampAuthority, tsr: bytes) -> None:
    assert authority.holds(tsr, HEAD.encode())
    assert not authority.holds(tsr, OTHER.encode())


def test_the_request_is_one_of_the_protocol(authority: TimestampAuthority, tsr: bytes) -> None:
    headers, request = authority.asked[0]
    assert headers["Content-Type"] == "application/timestamp-query"
    assert HEAD.encode() not in request


def test_a_stamp_is_about_its_head_alone(tsr: bytes, roots: list[x509.Certificate]) -> None:
    with pytest.raises(StampWrong, match="about something else"):
        check_stamp(tsr, OTHER, roots)


def test_a_stamp_over_another_digest_than_sha_256_is_not_ours(
    authority: TimestampAuthority, roots: list[x509.Certificate]
) -> None:
    request = TimestampRequestBuilder().data(HEAD.encode()).hash_algorithm(HashAlgorithm.SHA512).build().as_bytes()
    with pytest.raises(StampWrong, match="about something else"):
        check_stamp(authority.stamped(request, digests="sha512"), HEAD, roots)


def test_whoever_is_not_given_is_not_believed(
    tmp_path: Path, authority: TimestampAuthority, tsr: bytes, roots: list[x509.Certificate]
) -> None:
    with pytest.raises(AuthorityUnknown, match="stamps of a test"):
        check_stamp(tsr, HEAD, [])
    another = TimestampAuthority(tmp_path, "other stamps")
    theirs = read_authorities(another.root)
    with pytest.raises(AuthorityUnknown):
        check_stamp(tsr, HEAD, theirs)
    assert check_stamp(tsr, HEAD, [*theirs, *roots]).authority == "stamps of a test"


def test_a_namesake_of_the_authority_cannot_stamp(tmp_path: Path, roots: list[x509.Certificate]) -> None:
    with TimestampAuthority(tmp_path) as impostor:
        forged = request_stamp(impostor.url, HEAD)
    assert check_stamp(forged, HEAD, read_authorities(impostor.root))
    with pytest.raises(StampWrong, match="not signed by stamps of a test"):
        check_stamp(forged, HEAD, roots)


def of_two_days_before(tsr: bytes, at: datetime) -> bytes:
    hour, earlier = (moment.strftime("%Y%m%d%H").encode() for moment in (at, at - timedelta(days=2)))
    assert tsr.count(hour) == 1
    return tsr.replace(hour, earlier)


def test_a_changed_time_is_noticed(tsr: bytes, roots: list[x509.Certificate]) -> None:
    with pytest.raises(StampWrong, match="not signed by"):
        check_stamp(of_two_days_before(tsr, check_stamp(tsr, HEAD, roots).at), HEAD, roots)


@pytest.mark.parametrize("usage", [None, ExtendedKeyUsageOID.SERVER_AUTH])
def test_a_certificate_that_is_not_meant_for_stamps_cannot_stamp(
    authority: TimestampAuthority, tsr: bytes, roots: list[x509.Certificate], usage: object
) -> None:
    assert check_stamp(authority.signed_by_hand(tsr, authority.mint("by hand")), HEAD, roots).authority == "by hand"
    with pytest.raises(StampWrong, match="not meant for stamps"):
        check_stamp(authority.signed_by_hand(tsr, authority.mint("of a website", usage=usage)), HEAD, roots)


def test_a_certificate_must_have_been_valid_when_the_stamp_was_made_not_when_it_is_verified(
    authority: TimestampAuthority, tsr: bytes, roots: list[x509.Certificate]
) -> None:
    until_yesterday, now = authority.mint("run out", last_day=-1), check_stamp(tsr, HEAD, roots).at
    then = authority.signed_by_hand(of_two_days_before(tsr, now), until_yesterday)
    assert check_stamp(then, HEAD, roots).at == now - timedelta(days=2)
    with pytest.raises(StampWrong, match="was not valid"):
        check_stamp(authority.signed_by_hand(tsr, until_yesterday), HEAD, roots)


def test_any_damage_is_said_without_a_traceback(tsr: bytes, roots: list[x509.Certificate]) -> None:
    damaged = [tsr[:at] + bytes([tsr[at] ^ 0x15]) + tsr[at + 1 :] for at in range(0, len(tsr), 3)]
    for each in [b"", b"\x30", tsr[:-1], tsr + b"\0", b"<html>", b"\x30\x05\x30\x03\x02\x01\x00", *damaged]:
        with suppress(StampWrong, AuthorityUnknown):
            check_stamp(each, HEAD, roots)


def test_a_name_of_a_kind_that_nobody_knows_is_damage(tsr: bytes, roots: list[x509.Certificate]) -> None:
    kind = tsr.rindex(b"root of the stamps") - 2  # in who is said to have signed
    assert tsr[kind] == 0x0C
    with pytest.raises(StampWrong, match="damaged"):
        check_stamp(tsr[:kind] + b"\x19" + tsr[kind + 1 :], HEAD, roots)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(b"", 500), "HTTP status 500"),
        (Answer(b"", 404), "HTTP status 404"),
        (Answer(b""), "this is no stamp"),
        (Answer(b"<html>Please log in</html>", headers={"Content-Type": "text/html"}), "this is no stamp"),
        (Answer(b"\x30\x05\x30\x03\x02\x01\x00"), "the stamp is damaged"),
        (Answer(b"\x30\x05\x30\x03\x02\x01\x03"), "the request was put off"),
        (Answer(b"", 302, {"Location": "https://user:geheim@elsewhere.example/x?y"}), "https://elsewhere.example/x:"),
        (Answer(b"", 307, {"Location": "/other"}), "sends elsewhere, to /other"),
        (Answer(b"\0" * 1_000_000, repeat=100), "more than a stamp can be"),
    ],
)
def test_what_is_no_stamp_is_said_in_one_line(
    authority: TimestampAuthority,
    answering: Callable[[Callable[[bytes], Answer]], None],
    answer: Answer,
    said: str,
) -> None:
    answering(lambda _: answer)
    with pytest.raises(NoStamp) as caught:
        request_stamp(authority.url, HEAD)
    assert said in str(caught.value)
    assert "geheim" not in str(caught.value)
    assert str(caught.value).startswith("127.0.0.1 ")


def test_a_refusal_gives_the_authoritys_reason(
    authority: TimestampAuthority, answering: Callable[[Callable[[bytes], Answer]], None]
) -> None:
    answering(lambda request: Answer(authority.stamped(request, digests="sha512")))
    with pytest.raises(NoStamp, match=r"the request was rejected: Message digest algorithm is not supported"):
        request_stamp(authority.url, HEAD)


def test_an_answer_to_something_else_is_not_taken(
    authority: TimestampAuthority, answering: Callable[[Callable[[bytes], Answer]], None], tsr: bytes
) -> None:
    answering(lambda _: Answer(authority.stamped(query(OTHER))))
    with pytest.raises(NoStamp, match="about something else"):
        request_stamp(authority.url, HEAD)
    answering(lambda _: Answer(tsr))  # a good one, of before
    with pytest.raises(NoStamp, match="nonce"):
        request_stamp(authority.url, HEAD)


def test_an_authority_whose_certificate_has_run_out_is_noticed_at_once(
    authority: TimestampAuthority, answering: Callable[[Callable[[bytes], Answer]], None]
) -> None:
    expired = authority.mint("run out", last_day=-1)
    answering(lambda request: Answer(authority.stamped(request, signer=expired)))
    with pytest.raises(NoStamp, match="was not valid"):
        request_stamp(authority.url, HEAD)


def test_nobody_there_and_silence(
    authority: TimestampAuthority,
    answering: Callable[[Callable[[bytes], Answer]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(NoStamp, match=r"^127\.0\.0\.1 cannot be reached: Connection refused$"):
        request_stamp("http://user:geheim@127.0.0.1:1/tsa", HEAD)
    monkeypatch.setattr(stamp_exchange, "_TIMEOUT_S", 0.1)
    go_on = threading.Event()
    answering(lambda _: Answer(b"" * go_on.wait(10)))
    with pytest.raises(NoStamp, match="does not answer"):
        request_stamp(authority.url, HEAD)
    go_on.set()


def test_https_is_believed_as_the_machine_believes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = mint(tmp_path)
    with TimestampAuthority(tmp_path / "authority", tls=certificate.chain) as authority:
        with pytest.raises(NoStamp, match="clock"):
            request_stamp(authority.url, HEAD)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.authority))
        tsr = request_stamp(authority.url, HEAD)
    assert check_stamp(tsr, HEAD, read_authorities(authority.root))


def test_a_file_without_certificates_is_no_authority(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("empty.pem", "absent.pem", "."):
        with pytest.raises(KeyUnusable, match=r"empty\.pem holds no|cannot read"):
            read_authorities(tmp_path / name)
