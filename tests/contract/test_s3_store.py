"""The S3 store with keys that may do little, on a server that checks signatures and rights."""

import json
import re
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.errors import Interrupted, NameTaken, StoreRefuses, TemporaryError
from pi_sec_cam.offsite.stores.path import MARKER
from pi_sec_cam.offsite.stores.s3 import S3Store
from tests.relay import Relay
from tests.s3_server import Login, S3Server, s3_policy

PATH = "cam1/2026-11-21/09.15.00/video0.h264"
DOCUMENT = Path(__file__).parents[2] / "docs/stores.md"


def documented_policy(name: str, bucket: str) -> dict[str, Any]:
    """The one that docs/stores.md tells people to use, for this bucket."""
    found = re.search(f"<!-- test: {name} -->\n```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert found is not None
    policy: dict[str, Any] = json.loads(found[1].replace(":::cameras", f":::{bucket}"))
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
