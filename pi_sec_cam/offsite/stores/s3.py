"""A bucket of Amazon S3 or of a server that speaks the same protocol."""

import logging
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pi_sec_cam.errors import ConfigError, Interrupted, NameTaken, OffsiteError, StoreRefuses, TemporaryError
from pi_sec_cam.offsite.stores.path import MARKER, parts_of
from pi_sec_cam.offsite.stores.s3_answers import Refusal
from pi_sec_cam.offsite.stores.s3_body import Body, Standing

log = logging.getLogger(__name__)

_REMEMBERED = 1000
_MARKER_TEXT = b"Cameras keep their files here. This one shows that nothing here is overwritten (docs/stores.md).\n"


def library_missing() -> str:
    """What to do where the library that speaks S3 is not installed; empty where it is."""
    if find_spec("botocore") is not None:
        return ""
    return f"S3 needs a library that is missing; install it: {sys.executable} -m pip install botocore"


class S3Store:
    """A bucket, or what is below a prefix in one.

    Nothing is overwritten: each put is on the condition that nothing has the name (`If-None-Match: *`), and whether the
    server heeds that is tried with a marker before the first. Where it does not, each put is preceded by a look, which
    the key must be allowed to take, and the bucket should keep versions.

    What stands under a name that is taken is compared by its checksum where the key may look at it. A key that may only
    put is not told: then it is taken for ours if an earlier try ended without an answer, or if the file waited already
    when the program started (a power cut forgets the last acknowledgements); else for another's, so that nothing is
    lost, and at worst there twice (docs/stores.md).

    Digests are sent along for the server to check what arrives. Whether it is interrupted is asked every 16 KB, but not
    while nothing moves, which ends after a minute or two.

    Args:
        bucket: its name.
        prefix: a folder in it, empty for none; slashes at its ends do not matter.
        access_key_id, secret_access_key: who we are.
        endpoint_url: the server; None: Amazon's own of the region.
        region: None: Amazon's first, which says which one is right; other servers mostly do not mind.
        ca_pem_path: certificates that vouch for the server; None: those that are vouched for in general
            (or AWS_CA_BUNDLE, REQUESTS_CA_BUNDLE of the environment).
        waited_at_start: asked during a put: whether its file is one that an earlier run of the program left.

    Raises:
        ConfigError: the library for it is not installed.
    """

    kind = "s3"

    def __init__(
        self,
        *,
        bucket: str,
        access_key_id: str,
        secret_access_key: str,
        endpoint_url: str | None = None,
        region: str | None = None,
        prefix: str = "",
        ca_pem_path: Path | None = None,
        waited_at_start: Callable[[], bool] = lambda: False,
    ) -> None:
        if missing := library_missing():
            raise ConfigError(missing)
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/".lstrip("/")
        self.where = f"s3://{bucket}/{self._prefix}" + (f" at {_host(endpoint_url)}" if endpoint_url else "")
        self._access_key_id, self._secret_access_key = access_key_id, secret_access_key
        self._endpoint_url = endpoint_url and _without_password(endpoint_url)
        self._region = region
        self._ca_pem_path = ca_pem_path
        self._waited_at_start = waited_at_start
        self._client: Any = None
        self._heeds_condition: bool | None = None
        # Names whose last try may have stored them, and the digest of what was sent; the newest so many.
        self._unclear: OrderedDict[str, str] = OrderedDict()

    def warm(self) -> None:
        with suppress(OffsiteError), self._in_words(MARKER):
            self._ready()

    def put(self, path: str, data: bytes, *, interrupted: Callable[[], bool]) -> None:
        parts_of(path)
        name, body = self._prefix + path, Body(data, interrupted)
        with self._in_words(path, body):
            self._ready()
            standing = self._put(name, body) if self._heeds_condition else self._look_and_put(name, body)
        if standing == "hidden" and (self._unclear.get(name) == body.sha256 or self._waited_at_start()):
            standing = "same"
        if standing == "free":
            raise TemporaryError(f"{path} was there and is gone from {self.where}")
        self._unclear.pop(name, None)
        if standing != "same":
            raise NameTaken(f"another file stands under {path} in {self.where}; it was left as it is")

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _ready(self) -> None:
        """There is a client, and it is known whether the server heeds conditions."""
        if self._client is None:
            self._client = self._open()
        if self._heeds_condition is None:
            self._heeds_condition = self._tries_condition()
            if not self._heeds_condition:
                log.warning("%s overwrites what stands: each name is looked up before it is used", self.where)

    def _tries_condition(self) -> bool:
        """Whether the server refuses to overwrite: of two tries to put the marker, at least the second must fail."""
        from botocore.exceptions import ClientError

        name, body = self._prefix + MARKER, Body(_MARKER_TEXT, lambda: False)
        try:
            return not (self._sent(name, body) and self._sent(name, body))
        except ClientError as error:
            if Refusal(error.response).knows_no_condition:
                return False
            raise

    def _open(self) -> Any:
        from pi_sec_cam.offsite.stores.s3_client import S3Client

        if self._ca_pem_path is not None and not self._ca_pem_path.is_file():
            raise StoreRefuses(f"{self._ca_pem_path} (ca_pem_path) is not there")
        return S3Client(
            access_key_id=self._access_key_id,
            secret_access_key=self._secret_access_key,
            endpoint_url=self._endpoint_url,
            region=self._region,
            ca_pem_path=self._ca_pem_path,
            before_put=self._expect,
        )

    def _expect(self, params: dict[str, Any], **others: Any) -> None:
        """Asks before the bytes where the try before failed: a server that refuses early may close the connection while
        they are on their way, and its answer is lost. Else that is not worth its round trip a file.
        """
        if params["body"].name in self._unclear:
            params["headers"]["Expect"] = "100-continue"

    def _put(self, name: str, body: Body) -> Standing:
        """What stands there afterwards."""
        return "same" if self._sent(name, body) else self._look(name, body)

    def _look_and_put(self, name: str, body: Body) -> Standing:
        standing = self._look(name, body)
        if standing == "hidden":
            raise StoreRefuses(
                f"{self.where} cannot be kept from overwriting, nor may this key look at what stands there: "
                f"allow it s3:GetObject below the prefix"
            )
        if standing == "free":
            self._sent(name, body, conditional=False)
            return "same"
        return standing

    def _sent(self, name: str, body: Body, *, conditional: bool = True) -> bool:
        """Whether it was stored; False if the condition was not met: something has the name."""
        from botocore.exceptions import BotoCoreError, ClientError

        body.begin(name)
        try:
            answer = self._client.calls.put_object(
                Bucket=self._bucket,
                Key=name,
                Body=body,
                ContentLength=body.size,
                ContentMD5=body.md5,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=body.sha256,
                **({"IfNoneMatch": "*"} if conditional else {}),
            )
        except ClientError as error:
            refusal = Refusal(error.response)
            if refusal.unclear:
                self._may_stand(name, body)
            if conditional and refusal.name_taken:
                return False
            raise
        except BotoCoreError:
            self._may_stand(name, body)
            raise
        if "ETag" not in answer:
            raise TemporaryError(f"{self.where} gave an answer that is not that of an S3 server (a captive portal?)")
        if answer.get("ChecksumSHA256", body.sha256) != body.sha256:
            raise TemporaryError(f"{self.where} has stored other bytes than it was sent")
        return True

    def _may_stand(self, name: str, body: Body) -> None:
        if not body.given_up:
            self._unclear[name] = body.sha256
            while len(self._unclear) > _REMEMBERED:
                self._unclear.popitem(last=False)

    def _look(self, name: str, body: Body) -> Standing:
        """What stands there: nothing, these bytes, others; "hidden" if that cannot be seen."""
        from botocore.exceptions import ClientError

        try:
            found = self._client.calls.head_object(Bucket=self._bucket, Key=name, ChecksumMode="ENABLED")
        except ClientError as error:
            standing: dict[int, Standing] = {404: "free", 403: "hidden"}
            status = Refusal(error.response).status
            if status not in standing:
                raise
            return standing[status]
        return body.compared(found)

    @contextmanager
    def _in_words(self, path: str, body: Body | None = None) -> Iterator[None]:
        """What botocore raises, in the terms of the protocol."""
        from botocore import exceptions
        from botocore.parsers import ResponseParserError

        try:
            yield
        except exceptions.ClientError as error:
            raise Refusal(error.response).error(self.where, path) from error
        except (exceptions.BotoCoreError, ResponseParserError, ValueError) as error:
            if body is not None and body.given_up:
                raise Interrupted(f"{path} was given up") from None
            if isinstance(error, exceptions.SSLError):
                raise TemporaryError(
                    f"{self.where} has no certificate that can be believed ({error}): is this machine's clock right? "
                    f"Are others on the line? A certificate of your own goes into ca_pem_path"
                ) from error
            if isinstance(error, exceptions.HTTPClientError | ResponseParserError | exceptions.ConnectionError):
                raise TemporaryError(f"{self.where} does not answer: {error}") from error
            raise StoreRefuses(f"{self.where} cannot be used as it is configured: {error}") from error


def _host(url: str) -> str:
    """Without a password that may be in it."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _without_password(url: str) -> str:
    """botocore sends none, but shows the address in what it raises."""
    return urlsplit(url)._replace(netloc=_host(url)).geturl()
