"""Reading back from S3: what is particular to it, on a server that checks signatures and rights, and on an odd one."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pi_sec_cam.errors import ConfigError, PiSecCamError, StoreRefuses, TemporaryError
from pi_sec_cam.home import s3
from pi_sec_cam.home.patience import TRIES, Patience
from pi_sec_cam.home.places import open_place
from pi_sec_cam.home.protocol import NamesRefused, NothingKept, Place
from tests.contract.test_s3_store import documented_policy
from tests.odd_s3_server import OddS3Server
from tests.s3_server import Login, S3Server, s3_policy

HOSTILE = ["../../etc/passwd", "/etc/passwd", "cam1/../../x", "cam1//x", "cam1/./x", "cam1/..", "x" * 256, "y/"]


@pytest.fixture(autouse=True)
def no_other_login(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs this has logins of his own."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def logged_in(monkeypatch: pytest.MonkeyPatch, login: Login) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", login.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", login.secret_access_key)


def opened(url: str, text: str, waits: list[float] | None = None) -> Place:
    return open_place(text, endpoint_url=url, patience=Patience(wait=([] if waits is None else waits).append))


@pytest.fixture
def anybody(s3_server: S3Server) -> Any:
    """Somebody who may do anything."""
    return s3_server.client(
        s3_server.make_login(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        )
    )


def test_names_that_lead_out_are_left_out_and_said(
    s3_server: S3Server, anybody: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = s3_server.make_bucket()
    s3_server.keep_versions(bucket)
    logged_in(monkeypatch, s3_server.make_login(documented_policy("at home", bucket)))
    for name in (*HOSTILE, "cam1/video0.h264"):
        anybody.put_object(Bucket=bucket, Key=f"cameras/{name}", Body=b"x")
    anybody.put_object(Bucket=bucket, Key="cameras/as the console makes a folder/", Body=b"")
    monkeypatch.setattr(s3, "PAGE", 3)
    place = opened(s3_server.url, f"s3://{bucket}/cameras")

    def refused(ask: Callable[[], Any]) -> NamesRefused:
        found = []
        with pytest.raises(NamesRefused) as caught:
            found += [found.append(file.path) for file in ask()]
        assert found == ["cam1/video0.h264"], "all others are given nevertheless"
        return caught.value

    said = refused(place.files)
    assert said.count == len(HOSTILE)
    assert set(said.names) < set(HOSTILE)
    assert "'../../etc/passwd'" in str(said)
    for name in (*HOSTILE, "cam1/video0.h264"):
        anybody.delete_object(Bucket=bucket, Key=f"cameras/{name}")
    assert refused(place.deleted).count == len(HOSTILE)
    assert list(place.files()) == []


def test_a_bucket_without_versions_says_so(s3_server: S3Server, anybody: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = s3_server.make_bucket()
    logged_in(monkeypatch, s3_server.make_login(documented_policy("at home", bucket)))
    place = opened(s3_server.url, f"s3://{bucket}")
    anybody.put_object(Bucket=bucket, Key="cam1/x", Body=b"x")
    with pytest.raises(NothingKept, match="versioning"):
        list(place.deleted())
    assert [file.path for file in place.files()] == ["cam1/x"]


def test_who_may_not_is_told_which_right_is_missing(
    s3_server: S3Server, anybody: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = s3_server.make_bucket()
    s3_server.keep_versions(bucket)
    anybody.put_object(Bucket=bucket, Key="cameras/x", Body=b"x")
    login = s3_server.make_login(s3_policy(bucket, "cameras", "s3:PutObject"))
    logged_in(monkeypatch, login)
    waits: list[float] = []
    place = opened(s3_server.url, f"s3://{bucket}/cameras", waits)
    asked: list[tuple[Callable[[], Any], str]] = [
        (lambda: list(place.files()), "s3:ListBucket "),
        (lambda: list(place.deleted()), "s3:ListBucketVersions"),
        (lambda: list(place.read("x")), "s3:GetObject"),
        (lambda: place.delete("x"), "s3:DeleteObject"),
    ]
    for ask, right in asked:
        with pytest.raises(StoreRefuses, match=right):
            ask()
    assert waits == []


def test_what_is_wrong_with_the_login_is_said(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = s3_server.make_bucket()
    login = s3_server.make_login(documented_policy("at home", bucket))

    def said(text: str) -> str:
        with pytest.raises((StoreRefuses, ConfigError)) as caught:
            list(opened(s3_server.url, text).files())
        return str(caught.value)

    assert "AWS_ACCESS_KEY_ID" in said(f"s3://{bucket}")
    logged_in(monkeypatch, Login("", login.access_key_id, "not the secret"))
    assert "secret access key" in said(f"s3://{bucket}")
    logged_in(monkeypatch, Login("", "AKIANOBODY", "not the secret"))
    assert "access key" in said(f"s3://{bucket}")
    logged_in(monkeypatch, login)
    assert "no such bucket" in said("s3://there-is-none") or "s3:ListBucket" in said("s3://there-is-none")
    monkeypatch.setenv("AWS_PROFILE", "of-another-time")
    assert "of-another-time" in said(f"s3://{bucket}")


def test_a_login_of_other_programs_is_taken(
    s3_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = s3_server.make_bucket()
    login = s3_server.make_login(documented_policy("at home", bucket))
    (tmp_path / "credentials").write_text(
        f"[at-home]\naws_access_key_id={login.access_key_id}\naws_secret_access_key={login.secret_access_key}\n"
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "at-home")
    assert list(opened(s3_server.url, f"s3://{bucket}").files()) == []


def test_a_download_that_breaks_off_goes_on_where_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    logged_in(monkeypatch, Login("", "AKIA", "secret"))
    data = os.urandom(400_000)
    waits: list[float] = []
    with OddS3Server() as odd:
        place = opened(odd.url, "s3://cameras", waits)
        size = len(data)
        odd.script = [
            (200, {"Content-Length": str(size), "Connection": "close"}, data[:300_000]),
            (503, {"Retry-After": "9"}, b"<Error><Code>SlowDown</Code></Error>"),
            (200, {}, data),  # a server that does not know of parts
            (206, {"Content-Range": f"bytes 300000-{size - 1}/{size}"}, data[300_000:]),
        ]
        assert b"".join(place.read("x")) == data
        assert [asked.headers.get("range") for asked in odd.asked] == [None, *["bytes=300000-"] * 3]
        assert waits[1] == 9
        place.close()


@pytest.mark.parametrize(
    "said",
    [
        (200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html>Welcome to the hotel</html>"),
        (200, {}, b""),
        (200, {}, b"<Some><Other/></Some>"),
        (403, {"Content-Type": "text/html"}, b"<html>not in this house</html>"),
        (502, {}, b""),
    ],
)
def test_what_no_s3_server_says_is_not_taken_for_an_empty_bucket(
    said: tuple[int, dict[str, str], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    logged_in(monkeypatch, Login("", "AKIA", "secret"))
    with OddS3Server() as odd:
        odd.script = [said] * TRIES
        place = opened(odd.url, "s3://cameras")
        with pytest.raises(TemporaryError) as caught:
            list(place.files())
        assert not isinstance(caught.value, StoreRefuses)
        place.close()


def test_a_file_of_certificates_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(PiSecCamError, match=r"none\.pem"):
        open_place("s3://cameras", ca_pem_path=tmp_path / "none.pem")
