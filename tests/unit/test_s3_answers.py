"""What refusals of S3 servers mean to whoever sends."""

from typing import Any

import pytest

from pi_sec_cam.errors import PermanentError, StoreRefuses, TemporaryError
from pi_sec_cam.offsite.stores.retry_after import retry_after_s
from pi_sec_cam.offsite.stores.s3_answers import Refusal

DATE = "Sat, 21 Nov 2026 09:15:00 GMT"


def refusal(status: int, code: str, message: str = "Said so", **headers: str) -> Refusal:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response: dict[str, Any] = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": named},
    }
    return Refusal(response)


@pytest.mark.parametrize(
    ("status", "code", "kind", "says"),
    [
        (403, "AccessDenied", StoreRefuses, "s3:PutObject"),
        (403, "InvalidAccessKeyId", StoreRefuses, "access_key_id"),
        (403, "SignatureDoesNotMatch", StoreRefuses, "secret_access_key"),
        (403, "RequestTimeTooSkewed", StoreRefuses, "clock"),
        (404, "NoSuchBucket", StoreRefuses, "bucket"),
        (301, "PermanentRedirect", StoreRefuses, "region"),
        (400, "AuthorizationHeaderMalformed", StoreRefuses, "region"),
        (403, "QuotaExceeded", StoreRefuses, "full"),
        (507, "XMinioStorageFull", StoreRefuses, "full"),
        (507, "507", StoreRefuses, "full"),
        (400, "SomethingNew", StoreRefuses, "SomethingNew: Said so"),
        (400, "KeyTooLongError", PermanentError, "cam1/video0.h264"),
        (400, "EntityTooLarge", PermanentError, "cam1/video0.h264"),
        (503, "SlowDown", TemporaryError, "SlowDown"),
        (500, "InternalError", TemporaryError, "InternalError"),
        (502, "502", TemporaryError, "502"),
        (429, "TooManyRequests", TemporaryError, "TooManyRequests"),
        (409, "ConditionalRequestConflict", TemporaryError, "ConditionalRequestConflict"),
        (400, "RequestTimeout", TemporaryError, "RequestTimeout"),
        (400, "BadDigest", TemporaryError, "BadDigest"),
        (403, "403", TemporaryError, "captive portal"),
        (302, "302", TemporaryError, "captive portal"),
        (404, "", TemporaryError, "captive portal"),
    ],
)
def test_who_has_to_do_something(status: int, code: str, kind: type[Exception], says: str) -> None:
    error = refusal(status, code).error("s3://cameras/", "cam1/video0.h264")
    assert type(error) is kind
    assert says in str(error)
    assert "s3://cameras/" in str(error)


def test_a_server_that_asks_for_time_is_given_it() -> None:
    error = refusal(503, "SlowDown", retry_after="120").error("s3://cameras/", "file")
    assert isinstance(error, TemporaryError)
    assert error.retry_after_s == 120
    error = refusal(503, "SlowDown", retry_after="Sat, 21 Nov 2026 09:15:07 GMT", date=DATE).error("s3://c/", "file")
    assert isinstance(error, TemporaryError)
    assert error.retry_after_s == 7


@pytest.mark.parametrize(
    ("status", "code", "taken", "no_condition", "unclear"),
    [
        (412, "PreconditionFailed", True, False, False),
        (304, "304", True, False, False),
        (501, "NotImplemented", False, True, False),
        (400, "NotImplemented", False, True, False),
        (500, "InternalError", False, False, True),
        (504, "504", False, False, True),
        (503, "SlowDown", False, False, False),
        (403, "AccessDenied", False, False, False),
    ],
)
def test_what_is_to_be_done_next(status: int, code: str, taken: bool, no_condition: bool, unclear: bool) -> None:
    said = refusal(status, code)
    assert (said.name_taken, said.knows_no_condition, said.unclear) == (taken, no_condition, unclear)


@pytest.mark.parametrize(
    ("said", "date", "seconds"),
    [
        (None, None, None),
        ("0", None, 0),
        ("30", None, 30),
        ("1.5", None, 1.5),
        ("86400", None, 3600),
        ("inf", None, 3600),
        ("-1", None, None),
        ("nan", None, None),
        ("soon", None, None),
        ("", None, None),
        ("Sat, 21 Nov 2026 09:16:40 GMT", DATE, 100),
        ("Sat, 21 Nov 2026 09:16:40 -0000", DATE, 100),
        ("Sat, 21 Nov 2026 09:16:40 GMT", None, None),
        ("Sat, 21 Nov 2026 09:16:40 GMT", "yesterday", None),
        ("Sat, 21 Nov 2026 09:14:00 GMT", DATE, None),
    ],
)
def test_how_long_a_server_asks_to_be_left_alone(said: str | None, date: str | None, seconds: float | None) -> None:
    assert retry_after_s(said, date) == seconds
