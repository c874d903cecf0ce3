"""What an S3 server says when it does not take a file, in the terms of the protocol of stores."""

from collections.abc import Mapping
from typing import Any

from pi_sec_cam.errors import OffsiteError, PermanentError, StoreRefuses, TemporaryError
from pi_sec_cam.offsite.stores.retry_after import retry_after_s

# Codes of Amazon S3 ("Error responses" of its API reference), and of Ceph and MinIO where they have their own.
_REGION = "the bucket is in another region: set its `region`"
_ROOM = "it is full: delete something there, or get more room"
_SOMEBODY_MUST = {
    "AccessDenied": "this key may not: its policy must allow s3:PutObject below the prefix",
    "AccountProblem": "something is wrong with the account: ask the provider",
    "AllAccessDisabled": "the provider has disabled the bucket: ask why",
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "InvalidAccessKeyId": "`access_key_id` is not known there; was it revoked?",
    "NoSuchBucket": "there is no such bucket: make it, or correct `bucket`",
    "NotSignedUp": "the account is not signed up for S3",
    "PermanentRedirect": _REGION,
    "QuotaExceeded": _ROOM,
    "RequestTimeTooSkewed": "this machine's clock is wrong, and requests are only taken with the right time",
    "SignatureDoesNotMatch": "`secret_access_key` is not the secret of `access_key_id`",
    "XMinioAdminBucketQuotaExceeded": _ROOM,
    "XMinioStorageFull": _ROOM,
}
_NEVER = {"EntityTooLarge", "InvalidURI", "KeyTooLongError", "XMinioInvalidObjectName"}
# What did not arrive as it left (the digests), two writers at once, and what says "later" with a status below 500.
_LATER = {
    "BadDigest",
    "ConditionalRequestConflict",
    "IncompleteBody",
    "OperationAborted",
    "RequestTimeout",
    "SlowDown",
    "Throttling",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
}


class Refusal:
    """An answer with which a server did not do what it was asked to.

    Args:
        response: as botocore's ClientError has it.
    """

    def __init__(self, response: Mapping[str, Any]) -> None:
        error, about = response.get("Error", {}), response.get("ResponseMetadata", {})
        self.status = int(about.get("HTTPStatusCode", 0))
        self.code = str(error.get("Code") or self.status)
        self._message = str(error.get("Message", ""))
        self._headers: Mapping[str, str] = about.get("HTTPHeaders", {})

    @property
    def name_taken(self) -> bool:
        """Something stands there already. (MinIO answered 304 to a conditional put until 2024.)"""
        return self.status in {304, 412}

    @property
    def knows_no_condition(self) -> bool:
        """The server does not know If-None-Match in a put."""
        return self.code == "NotImplemented" or self.status == 501

    @property
    def unclear(self) -> bool:
        """The file may have been stored all the same."""
        return self.status in {500, 502, 504}

    def error(self, where: str, path: str) -> OffsiteError:
        """What it means for whoever sends."""
        if self.status == 507:
            return StoreRefuses(f"{where}: {_ROOM}")
        if self.status in {408, 429} or self.status >= 500 or self.code in _LATER:
            return TemporaryError(
                f"{where} cannot do it now: {self.code} {self._message}".rstrip(),
                retry_after_s=retry_after_s(self._headers.get("retry-after"), self._headers.get("date")),
            )
        if self.code in _SOMEBODY_MUST:
            return StoreRefuses(f"{where}: {_SOMEBODY_MUST[self.code]} ({self.code}: {self._message})")
        if self.code in _NEVER:
            return PermanentError(f"{where} will never take {path}: {self.code}: {self._message}")
        if self.code == str(self.status):  # no error document of S3 came with it
            return TemporaryError(
                f"{where}: HTTP {self.status}, which no S3 server says so (a captive portal? a proxy?)"
            )
        return StoreRefuses(f"{where} refuses: {self.code}: {self._message}")
