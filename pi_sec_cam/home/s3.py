"""A bucket of Amazon S3 or of a like server, read back by the login that the owner's other programs have for it."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from botocore import exceptions
from botocore.config import Config
from botocore.parsers import ResponseParserError
from botocore.session import Session

from pi_sec_cam.errors import ConfigError, StoreRefuses, TemporaryError
from pi_sec_cam.evidence.footage import FoundFile
from pi_sec_cam.home.names import checked_folder, checked_path, well_named
from pi_sec_cam.home.patience import Patience
from pi_sec_cam.home.protocol import DeletedFile, NothingKept, PlaceKind
from pi_sec_cam.offsite.stores.s3_answers import Refusal

PAGE = 1000
"""Names in an answer, which is the most that S3 gives."""

_PIECE_BYTES = 1 << 16
_TIMEOUTS_S = (20, 60)  # to connect; in which nothing comes
_NO_LOGIN = (
    "no login for S3 is found: put one into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or into ~/.aws/credentials "
    "(and AWS_PROFILE). Not the camera's: that may not read"
)
_WRONG = {
    "InvalidAccessKeyId": "it does not know your access key: is it the right server, the right profile (AWS_PROFILE)?",
    "NoSuchBucket": "there is no such bucket",
    "SignatureDoesNotMatch": "your secret access key is not the secret of your access key",
    "ExpiredToken": "your session has expired: log in anew, as you do for your other programs",
    "InvalidObjectState": "the file was moved to an archive (Glacier): restore it there first, which takes hours",
    "NotImplemented": "this server cannot do that",
    "PermanentRedirect": "the bucket is in another region: put its name into AWS_REGION",
    "AuthorizationHeaderMalformed": "the bucket is in another region: put its name into AWS_REGION",
}
_FOLLOWING = {
    "ContinuationToken": "NextContinuationToken",
    "KeyMarker": "NextKeyMarker",
    "VersionIdMarker": "NextVersionIdMarker",
}

Answer = TypeVar("Answer")


class S3Place:
    """A bucket, or what is below a prefix in it.

    Args:
        text: `s3://bucket` or `s3://bucket/prefix`.

    Raises:
        ConfigError: it is neither, or there is no such profile or region.
        PermanentError: the prefix is no folder's path.
    """

    kind: PlaceKind = "s3"

    def __init__(self, text: str, *, endpoint_url: str | None, ca_pem_path: Path | None, patience: Patience) -> None:
        self._bucket, _, prefix = text.removeprefix("s3://").partition("/")
        if not self._bucket:
            raise ConfigError(f"{text} names no bucket: s3://BUCKET, or s3://BUCKET/PREFIX")
        prefix = checked_folder(prefix.strip("/"))
        self._prefix = f"{prefix}/" if prefix else ""
        self.where = text.rstrip("/") + (f" at {urlsplit(endpoint_url).hostname}" if endpoint_url else "")
        self._patience = patience
        if ca_pem_path is not None and not ca_pem_path.is_file():
            raise ConfigError(f"{ca_pem_path} is not there")
        session = Session()
        try:
            self._client: Any = session.create_client(
                "s3",
                region_name=session.get_config_variable("region") or "us-east-1",
                endpoint_url=endpoint_url,
                verify=None if ca_pem_path is None else str(ca_pem_path),
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": 1},
                    connect_timeout=_TIMEOUTS_S[0],
                    read_timeout=_TIMEOUTS_S[1],
                    signature_version="s3v4",
                    response_checksum_validation="when_required",
                ),
            )
        except (exceptions.BotoCoreError, ValueError) as error:
            raise ConfigError(f"S3 cannot be used as it is set up on this computer: {error}") from error

    def files(self, under: str = "") -> Iterator[FoundFile]:
        return well_named(self.where, self._files(checked_folder(under)))

    def read(self, path: str, begin: int = 0) -> Iterator[bytes]:
        return self._read(checked_path(path), begin)

    def deleted(self, under: str = "") -> Iterator[DeletedFile]:
        return well_named(self.where, self._deleted(checked_folder(under)))

    def read_deleted(self, deleted: DeletedFile, begin: int = 0) -> Iterator[bytes]:
        return self._read(checked_path(deleted.path), begin, VersionId=deleted.version)

    def delete(self, path: str) -> None:
        key = self._prefix + checked_path(path)
        self._asked(lambda: self._client.delete_object(Bucket=self._bucket, Key=key), "s3:DeleteObject below it")

    def close(self) -> None:
        self._client.close()

    def _files(self, under: str) -> Iterator[FoundFile]:
        below = f"{self._prefix}{under}/" if under else self._prefix
        for page in self._pages("list_objects_v2", below, "s3:ListBucket"):
            for found in page.get("Contents", ()):
                if not _is_folder(found):
                    yield FoundFile(self._path(found), found["Size"], found["LastModified"])

    def _deleted(self, under: str) -> Iterator[DeletedFile]:
        """Of a name, everything that has stood there comes together, deletions too; a page may end in between."""
        self._need_versions()
        above: dict[str, Any] | None = None
        for page in self._pages("list_object_versions", self._prefix + under, "s3:ListBucketVersions"):
            states = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            # Names in the order of their bytes, as the server gives them; of each, the newest first.
            states.sort(key=lambda state: (not state["IsLatest"], -state["LastModified"].timestamp()))
            states.sort(key=lambda state: state["Key"].encode())
            for key, of_key in groupby(states, key=lambda state: state["Key"]):
                newer = above if above is not None and above["Key"] == key else None
                for state in of_key:
                    if "Size" in state and not state["IsLatest"] and self._wanted(state, under):
                        gone_at = None if newer is None else newer["LastModified"]
                        yield DeletedFile(self._path(state), state["Size"], gone_at, state["VersionId"])
                    newer = above = state

    def _wanted(self, state: dict[str, Any], under: str) -> bool:
        return not _is_folder(state) and (not under or f"{self._path(state)}/".startswith(f"{under}/"))

    def _need_versions(self) -> None:
        try:
            said = self._asked(
                lambda: self._client.get_bucket_versioning(Bucket=self._bucket), "s3:GetBucketVersioning"
            )
        except StoreRefuses:
            return  # a login that may not ask may still be allowed to list versions, which says the rest
        if "Status" not in said:
            raise NothingKept(
                f"{self.where} keeps no versions, so what was deleted or overwritten there is gone. For what is to "
                "come, enable versioning of the bucket (docs/stores.md)"
            )

    def _pages(self, listing: str, prefix: str, right: str) -> Iterator[dict[str, Any]]:
        following: dict[str, str] = {}
        while True:
            ask = partial(getattr(self._client, listing), Bucket=self._bucket, Prefix=prefix, MaxKeys=PAGE, **following)
            page = self._asked(ask, f"{right} of the bucket")
            if "IsTruncated" not in page:
                raise TemporaryError(
                    f"{self.where} gave an answer that is not that of an S3 server (a captive portal?)"
                )
            yield page
            if not page["IsTruncated"]:
                return
            following = {name: page[said] for name, said in _FOLLOWING.items() if said in page}

    def _read(self, path: str, begin: int, **version: str) -> Iterator[bytes]:
        def opened(at: int) -> Iterator[bytes]:
            part = {"Range": f"bytes={at}-"} if at else {}
            with self._in_words("s3:GetObject below it (and s3:GetObjectVersion)"):
                try:
                    found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + path, **part, **version)
                except exceptions.ClientError as error:
                    refusal = Refusal(error.response)
                    if refusal.code in {"NoSuchKey", "NoSuchVersion"}:
                        raise FileNotFoundError(f"{path} is not in {self.where} (any more)") from None
                    if refusal.status == 416:
                        return
                    raise
                if at and not found.get("ContentRange", "").startswith(f"bytes {at}-"):
                    raise TemporaryError(f"{self.where} sent another part of the file than it was asked for")
                with closing(found["Body"]) as body:
                    yield from body.iter_chunks(_PIECE_BYTES)

        return self._patience.read(opened, begin)

    def _path(self, found: dict[str, Any]) -> str:
        return str(found["Key"]).removeprefix(self._prefix)

    def _asked(self, call: Callable[[], Answer], right: str) -> Answer:
        def asked() -> Answer:
            with self._in_words(right):
                return call()

        return self._patience.asked(asked)

    @contextmanager
    def _in_words(self, right: str) -> Iterator[None]:
        """What botocore raises, in the terms of the protocol.

        Args:
            right: what the login needs for this.
        """
        try:
            yield
        except exceptions.ClientError as error:
            refusal = Refusal(error.response)
            if refusal.code in _WRONG:
                raise StoreRefuses(f"{self.where}: {_WRONG[refusal.code]} ({refusal.code})") from error
            if refusal.code == "AccessDenied":
                raise StoreRefuses(f"{self.where}: your login may not do that: it needs {right}") from error
            raise refusal.error(self.where, self.where) from error
        except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
            raise StoreRefuses(_NO_LOGIN) from error
        except exceptions.SSLError as error:
            raise TemporaryError(
                f"{self.where} has no certificate that can be believed ({error}). Name a file with the one of your own "
                "server in AWS_CA_BUNDLE"
            ) from error
        except exceptions.IncompleteReadError as error:
            raise TemporaryError(f"a download from {self.where} broke off") from error
        except (exceptions.HTTPClientError, exceptions.ConnectionError, ResponseParserError) as error:
            raise TemporaryError(f"{self.where} does not answer: {error}") from error
        except exceptions.BotoCoreError as error:
            raise StoreRefuses(f"{self.where} cannot be used as S3 is set up on this computer: {error}") from error


def _is_folder(found: dict[str, Any]) -> bool:
    """What the console makes for a folder: an empty file whose name ends in a slash."""
    return found["Size"] == 0 and str(found["Key"]).endswith("/")
