"""What S3 servers answer, and do not answer, to the S3 store."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from pi_sec_cam.errors import ConfigError, Interrupted, NameTaken, StoreRefuses, TemporaryError
from pi_sec_cam.offsite.stores import s3
from pi_sec_cam.offsite.stores.s3 import S3Store
from pi_sec_cam.offsite.stores.s3_client import S3Client
from tests.loopback_dropbox.certificate import mint
from tests.odd_s3_server import STORED, TAKEN, Answer, OddS3Server

PATH = "cam1/2026-11-21/09.15.00/video0.h264"
HTML = b"<!DOCTYPE html><html><body>Welcome to the hotel. <a href='/accept'>Accept</a></body></html>"
UNKNOWN = (501, {}, b"<Error><Code>NotImplemented</Code><Message>A header you provided</Message></Error>")


def put(store: S3Store, path: str, data: bytes) -> None:
    store.put(path, data, interrupted=lambda: False)


@pytest.fixture
def odd() -> Iterator[OddS3Server]:
    with OddS3Server() as running:
        yield running


def test_what_is_sent(odd: OddS3Server) -> None:
    store = odd.ready_store()
    put(store, PATH, b"data")
    [asked] = odd.asked
    assert (asked.method, asked.name, asked.body) == ("PUT", f"/cameras/{PATH}", b"data")
    assert asked.headers["if-none-match"] == "*"
    assert asked.headers["content-md5"] == "jXd/OF09/siBXSD3SWAm3A=="  # printf data | openssl md5 -binary | base64
    # printf data | openssl sha256 -binary | base64
    assert asked.headers["x-amz-checksum-sha256"] == "Om6weQ85rIfJTzhWst0sXREOaBFgImGpqSPTuyOtyLc="
    assert "expect" not in asked.headers
    assert "aws-chunked" not in asked.headers.get("content-encoding", "")


def test_only_after_a_failure_the_server_is_asked_before_the_bytes(odd: OddS3Server) -> None:
    store = odd.ready_store()
    odd.script = [(500, {}, b"")]
    with pytest.raises(TemporaryError):
        put(store, PATH, b"data")
    put(store, PATH, b"data")
    put(store, f"{PATH}5", b"data")
    assert ["expect" in asked.headers for asked in odd.asked] == [False, True, False]


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        ((200, {"Content-Type": "text/html"}, HTML), TemporaryError, "captive portal"),
        ((302, {"Location": "http://127.0.0.1:9/login", "Content-Type": "text/html"}, HTML), TemporaryError, "portal"),
        ((403, {"Content-Type": "text/html"}, HTML), TemporaryError, "captive portal"),
        ((511, {"Content-Type": "text/html"}, HTML), TemporaryError, "511"),
        ((200, {"ETag": '"0"', "x-amz-checksum-sha256": "AAAA"}, b""), TemporaryError, "other bytes"),
        ((503, {"Retry-After": "17"}, b"<Error><Code>SlowDown</Code></Error>"), TemporaryError, "SlowDown"),
        ((503, {}, b""), TemporaryError, "503"),
        ((400, {}, b"<Error><Code>BadDigest</Code></Error>"), TemporaryError, "BadDigest"),
        ((403, {}, b"<Error><Code>RequestTimeTooSkewed</Code></Error>"), StoreRefuses, "clock"),
        ((403, {}, b"<Error><Code>QuotaExceeded</Code></Error>"), StoreRefuses, "full"),
        ((404, {}, b"<Error><Code>NoSuchBucket</Code></Error>"), StoreRefuses, "bucket"),
    ],
)
def test_odd_answers(odd: OddS3Server, answer: Answer, kind: type[Exception], says: str) -> None:
    store = odd.ready_store()
    odd.script = [answer]
    with pytest.raises(TemporaryError, match=says) as caught:
        put(store, PATH, b"data")
    assert type(caught.value) is kind
    assert [asked.method for asked in odd.asked].count("PUT") == 1, "botocore has tried again by itself"
    if "Retry-After" in answer[1]:
        assert caught.value.retry_after_s == 17
    put(store, PATH, b"data")


@pytest.mark.parametrize("script", [[UNKNOWN], [STORED, STORED], [STORED, UNKNOWN]])
def test_a_server_that_overwrites_is_asked_what_stands(
    odd: OddS3Server, script: list[Answer], caplog: pytest.LogCaptureFixture
) -> None:
    store = odd.store()
    free, ours = (404, {}, b""), (200, {"ETag": '"8d777f385d3dfec8815d20f7496026dc"', "Content-Length": "4"}, b"")
    odd.script = [*script, free, STORED]
    with caplog.at_level(logging.WARNING):
        put(store, PATH, b"data")
    assert "overwrites" in caplog.text
    assert [asked.method for asked in odd.asked[-2:]] == ["HEAD", "PUT"]
    assert "if-none-match" not in odd.asked[-1].headers
    odd.asked.clear()
    odd.script = [ours, ours, (403, {}, b"")]
    put(store, PATH, b"data")
    with pytest.raises(NameTaken):
        put(store, PATH, b"atad")
    with pytest.raises(StoreRefuses, match="s3:GetObject"):
        put(store, PATH, b"data")
    assert [asked.method for asked in odd.asked] == ["HEAD"] * 3


@pytest.mark.parametrize(
    ("found", "ours"),
    [
        ({"Content-Length": "4", "x-amz-checksum-sha256": "Om6weQ85rIfJTzhWst0sXREOaBFgImGpqSPTuyOtyLc="}, True),
        ({"Content-Length": "4", "x-amz-checksum-sha256": "A" * 43 + "="}, False),
        ({"Content-Length": "4", "ETag": '"8d777f385d3dfec8815d20f7496026dc"'}, True),
        ({"Content-Length": "5", "ETag": '"8d777f385d3dfec8815d20f7496026dc"'}, False),
        ({"Content-Length": "4", "ETag": '"00000000000000000000000000000000"'}, False),
    ],
)
def test_what_stands_is_known_by_its_digest(odd: OddS3Server, found: dict[str, str], ours: bool) -> None:
    store = odd.ready_store()
    odd.script = [TAKEN, (200, found, b"")]
    if ours:
        put(store, PATH, b"data")
    else:
        with pytest.raises(NameTaken):
            put(store, PATH, b"data")


@pytest.mark.parametrize(
    "found",
    [
        {"ETag": '"00000000000000000000000000000000"', "x-amz-server-side-encryption": "aws:kms"},
        {"ETag": '"00000000000000000000000000000000-1"'},
    ],
)
def test_an_encrypted_files_tag_says_nothing(odd: OddS3Server, found: dict[str, str]) -> None:
    store = odd.ready_store()
    odd.script = [(500, {}, b""), TAKEN, (200, {"Content-Length": "4", **found}, b"")]
    with pytest.raises(TemporaryError):
        put(store, PATH, b"data")
    put(store, PATH, b"data")


def test_the_kernel_does_not_take_megabytes_ahead_of_a_thin_line() -> None:
    """Else the answer is waited for while they are still on their way, and no file ever arrives in time."""
    asked = count()

    def stand_still() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            time.sleep(0.3)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        store = S3Store(
            bucket="cameras",
            endpoint_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
            access_key_id="AKIA",
            secret_access_key="secret",
        )
        store._heeds_condition = True
        server = threading.Thread(target=stand_still)
        server.start()
        with pytest.raises(TemporaryError):
            store.put(PATH, bytes(10_000_000), interrupted=lambda: next(asked) < 0)
        server.join()
    pieces = 10_000_000 // 16384
    assert next(asked) - pieces < pieces / 6, "all are read once for the signature, and then sent"


def test_the_server_must_be_one_that_somebody_vouches_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    certificate = mint(tmp_path)
    with OddS3Server(certificate.chain) as server:
        with pytest.raises(TemporaryError, match=r"clock.*ca_pem_path"):
            put(server.store(), PATH, b"data")
        assert not server.asked
        server.script = [TAKEN]
        put(server.store(ca_pem_path=certificate.authority), PATH, b"data")
        for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
            with monkeypatch.context() as patch:
                patch.setenv(name, str(certificate.authority))
                server.script = [TAKEN]
                put(server.store(), PATH, b"data")
        with pytest.raises(StoreRefuses, match=r"missing\.pem"):
            put(server.store(ca_pem_path=tmp_path / "missing.pem"), PATH, b"data")
        asked = count()
        server.script = [TAKEN]
        with pytest.raises(Interrupted):
            server.store(ca_pem_path=certificate.authority).put(
                PATH, bytes(10_000_000), interrupted=lambda: next(asked) >= 20
            )
    assert [asked.body for asked in server.asked if asked.name.endswith(PATH)] == [b"data"] * 3


def test_other_programs_settings_do_not_count(
    odd: OddS3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = tmp_path / "config"
    settings.write_text("[profile work]\nregion = mars\ns3 =\n  addressing_style = virtual\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(settings))
    monkeypatch.setenv("AWS_PROFILE", "work that is gone")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    store = odd.ready_store()
    put(store, PATH, b"data")
    assert "Credential=AKIA/" in odd.asked[0].headers["authorization"]
    amazon = S3Client(
        access_key_id="AKIA",
        secret_access_key="secret",
        endpoint_url=None,
        region=None,
        ca_pem_path=None,
        before_put=lambda **asked: None,
    )
    assert amazon.calls.meta.endpoint_url.endswith("amazonaws.com")
    amazon.close()


def test_a_configuration_that_cannot_be_used_is_refused() -> None:
    store = S3Store(bucket="no bucket/of that name", access_key_id="AKIA", secret_access_key="secret")
    with pytest.raises(StoreRefuses, match="configured"):
        put(store, PATH, b"data")


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="pip install botocore"):
        S3Store(bucket="b", access_key_id="AKIA", secret_access_key="secret")


def test_no_password_of_an_address_is_shown() -> None:
    store = S3Store(
        bucket="b", endpoint_url="https://user:word@127.0.0.1:1", access_key_id="AKIA", secret_access_key="secret"
    )
    assert store.where == "s3://b/ at 127.0.0.1:1"
    with pytest.raises(TemporaryError, match=r"127\.0\.0\.1:1") as caught:
        put(store, PATH, b"data")
    assert "word" not in str(caught.value)
