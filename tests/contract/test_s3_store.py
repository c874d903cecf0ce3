"""What is the S3 store's own (the rest is in test_store.py): odd servers, and keys that may only put."""

import json
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.errors import ConfigError, Interrupted, NameTaken, StoreRefuses, TemporaryError
from pi_sec_cam.offsite.stores import s3
from pi_sec_cam.offsite.stores.path import MARKER
from pi_sec_cam.offsite.stores.s3 import S3Store
from pi_sec_cam.offsite.stores.s3_client import S3Client
from tests.relay import Relay
from tests.s3_server import Login, S3Server, s3_policy

PATH = "cam1/2026-11-21/09.15.00/video0.h264"
HTML = b"<!DOCTYPE html><html><body>Welcome to the hotel. <a href='/accept'>Accept</a></body></html>"
STORED = (200, {"ETag": '"0"'}, b"")
TAKEN = (412, {}, b"<Error><Code>PreconditionFailed</Code><Message>At least one</Message></Error>")
UNKNOWN = (501, {}, b"<Error><Code>NotImplemented</Code><Message>A header you provided</Message></Error>")


DOCUMENT = Path(__file__).parents[2] / "docs/stores.md"


def documented_policy(name: str, bucket: str) -> dict[str, Any]:
    """The one that docs/stores.md tells people to use, for this bucket."""
    found = re.search(f"<!-- test: {name} -->\n```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None
    policy: dict[str, Any] = json.loads(found[1].replace(":::cameras/", f":::{bucket}/"))
    return policy


def put(store: S3Store, path: str, data: bytes) -> None:
    store.put(path, data, interrupted=lambda: False)


def store_of(server: S3Server, bucket: str, login: Login, *, port: int | None = None, **more: object) -> S3Store:
    return S3Store(
        bucket=bucket,
        prefix="/cameras/",
        endpoint_url=f"http://127.0.0.1:{port or server.port}",
        access_key_id=login.access_key_id,
        secret_access_key=login.secret_access_key,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("name", ["put", "put and compare"])
def test_the_documented_policies_are_enough_and_no_more(s3_server: S3Server, name: str) -> None:
    bucket = s3_server.make_bucket()
    login = s3_server.make_login(documented_policy(name, bucket))
    put(store_of(s3_server, bucket, login), PATH, b"data")
    assert set(s3_server.held(bucket)) == {f"cameras/{PATH}", f"cameras/{MARKER}"}
    again = store_of(s3_server, bucket, login)
    if name == "put":
        with pytest.raises(NameTaken):
            put(again, PATH, b"data")
    else:
        put(again, PATH, b"data")
    with pytest.raises(NameTaken):
        put(again, PATH, b"other")
    thief = s3_server.client(login)
    forbidden = [thief.delete_object] + [thief.get_object, thief.head_object] * (name == "put")
    for call in forbidden:
        with pytest.raises(thief.exceptions.ClientError, match=r"AccessDenied|Forbidden"):
            call(Bucket=bucket, Key=f"cameras/{PATH}")
    with pytest.raises(thief.exceptions.ClientError, match="AccessDenied"):
        thief.list_objects_v2(Bucket=bucket)
    assert s3_server.held(bucket)[f"cameras/{PATH}"] == b"data"


class TestKeyThatMayOnlyPut:
    """The server refuses all else; what stands cannot be compared."""

    @pytest.fixture
    def bucket(self, s3_server: S3Server) -> str:
        return s3_server.make_bucket()

    @pytest.fixture
    def login(self, s3_server: S3Server, bucket: str) -> Login:
        return s3_server.make_login(documented_policy("put", bucket))

    def test_what_another_put_there_is_not_taken_for_ours(self, s3_server: S3Server, bucket: str, login: Login) -> None:
        put(store_of(s3_server, bucket, login), PATH, b"data")
        with pytest.raises(NameTaken):
            put(store_of(s3_server, bucket, login), PATH, b"data")

    def test_what_waited_at_the_start_is_ours(self, s3_server: S3Server, bucket: str, login: Login) -> None:
        put(store_of(s3_server, bucket, login), PATH, b"data")
        waited = True
        restarted = store_of(s3_server, bucket, login, waited_at_start=lambda: waited)
        put(restarted, PATH, b"data")
        waited = False
        with pytest.raises(NameTaken):
            put(restarted, PATH, b"data")

    def test_a_lost_reply_makes_it_ours(self, s3_server: S3Server, bucket: str, login: Login) -> None:
        with Relay(s3_server.port) as relay:
            store = store_of(s3_server, bucket, login, port=relay.port)
            store.warm()
            with relay.losing_answers(), pytest.raises(TemporaryError):
                put(store, PATH, b"data")
            with pytest.raises(NameTaken):
                put(store, PATH, b"other data")
            with relay.losing_answers(), pytest.raises(TemporaryError):
                put(store, f"{PATH}5", b"data")
            put(store, f"{PATH}5", b"data")
        assert s3_server.held(bucket)[f"cameras/{PATH}5"] == b"data"


@pytest.mark.parametrize(
    ("key", "says"), [("wrong secret", "secret_access_key"), ("unknown key", "access_key_id. is not known")]
)
def test_a_wrong_key_is_named(s3_server: S3Server, key: str, says: str) -> None:
    bucket = s3_server.make_bucket()
    login = s3_server.make_login(s3_policy(bucket, "cameras", "s3:PutObject"))
    wrong = {
        "wrong secret": Login("camera", login.access_key_id, "0" * 40),
        "unknown key": Login("camera", "AKIA0000000000000000", login.secret_access_key),
    }[key]
    with pytest.raises(StoreRefuses, match=says) as caught:
        put(store_of(s3_server, bucket, wrong), PATH, b"data")
    assert wrong.secret_access_key not in str(caught.value)


def test_it_is_interrupted_while_bytes_are_sent(s3_server: S3Server) -> None:
    bucket = s3_server.make_bucket()
    login = s3_server.make_login(s3_policy(bucket, "cameras", "s3:PutObject"))
    store = store_of(s3_server, bucket, login)
    store.warm()
    chunk = bytes(4_000_000)
    for signed_and_some in (250, 300, 450):
        asked = count()
        with pytest.raises(Interrupted):
            store.put(PATH, chunk, interrupted=lambda: next(asked) >= signed_and_some)  # noqa: B023
        assert set(s3_server.held(bucket)) == {f"cameras/{MARKER}"}
    put(store, PATH, chunk)
    assert s3_server.held(bucket)[f"cameras/{PATH}"] == chunk


def test_a_bucket_that_locks_what_it_holds(s3_server: S3Server) -> None:
    bucket = s3_server.make_bucket(ObjectLockEnabledForBucket=True)
    login = s3_server.make_login(s3_policy(bucket, "cameras", "s3:PutObject", "s3:GetObject"))
    store = store_of(s3_server, bucket, login)
    put(store, PATH, b"data")
    put(store, PATH, b"data")
    with pytest.raises(NameTaken):
        put(store, PATH, b"other")
    assert s3_server.held(bucket)[f"cameras/{PATH}"] == b"data"


@dataclass
class Asked:
    """One request that came: what it wants, its headers in lower case, its body."""

    method: str
    name: str
    headers: dict[str, str]
    body: bytes


@dataclass
class OddServer:
    """Answers by script; when that is at its end, with "stored" to a PUT.

    Attributes:
        script: (status, headers, body) of the next answers.
        asked: what came.
    """

    port: int = 0
    script: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def store(self, **more: object) -> S3Store:
        keys = {"access_key_id": "AKIA", "secret_access_key": "secret"}
        return S3Store(bucket="cameras", endpoint_url=f"http://localhost:{self.port}", **keys, **more)  # type: ignore[arg-type]

    def ready_store(self) -> S3Store:
        """It has found out that this server refuses to overwrite."""
        self.script = [TAKEN]
        store = self.store()
        store.warm()
        self.asked.clear()
        return store


@pytest.fixture
def odd() -> Iterator[OddServer]:
    server = OddServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.asked.append(Asked(self.command, self.path, headers, body))
            status, more, text = server.script.pop(0) if server.script else STORED
            self.send_response(status)
            for name, value in {"Content-Length": str(len(text)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text)

        do_HEAD = do_PUT  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    server.port = listener.server_address[1]
    thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
    thread.start()
    yield server
    listener.shutdown()
    thread.join()
    listener.server_close()


def test_what_is_sent(odd: OddServer) -> None:
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


def test_only_after_a_failure_the_server_is_asked_before_the_bytes(odd: OddServer) -> None:
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
def test_odd_answers(
    odd: OddServer, answer: tuple[int, dict[str, str], bytes], kind: type[Exception], says: str
) -> None:
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
    odd: OddServer, script: list[tuple[int, dict[str, str], bytes]], caplog: pytest.LogCaptureFixture
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
def test_what_stands_is_known_by_its_digest(odd: OddServer, found: dict[str, str], ours: bool) -> None:
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
def test_an_encrypted_files_tag_says_nothing(odd: OddServer, found: dict[str, str]) -> None:
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


def test_a_server_that_is_not_believed(odd: OddServer, tmp_path: Path) -> None:
    store = S3Store(
        bucket="b", endpoint_url=f"https://127.0.0.1:{odd.port}", access_key_id="AKIA", secret_access_key="secret"
    )
    with pytest.raises(TemporaryError, match=r"clock.*ca_pem_path"):
        put(store, PATH, b"data")
    store = odd.store(ca_pem_path=tmp_path / "missing.pem")
    with pytest.raises(StoreRefuses, match=r"missing\.pem"):
        put(store, PATH, b"data")


def test_other_programs_settings_do_not_count(odd: OddServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
    with pytest.raises(ConfigError, match=r"pip install 'pi_sec_cam\[s3\]'"):
        S3Store(bucket="b", access_key_id="AKIA", secret_access_key="secret")


def test_no_password_of_an_address_is_shown() -> None:
    store = S3Store(
        bucket="b", endpoint_url="https://user:word@nas:9000", access_key_id="AKIA", secret_access_key="secret"
    )
    assert store.where == "s3://b/ at nas:9000"
