"""The bytes of a file on their way to an S3 server, with the digests by which they are known there."""

import base64
import hashlib
import io
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pi_sec_cam.errors import Interrupted

Standing = Literal["free", "same", "other", "hidden"]
"""What stands under a name: nothing, these bytes, others, or something that cannot be looked at."""

_PIECE_BYTES = 1 << 14  # one record of TLS; botocore asks for more at once, and would hear of an interruption late


class Body(io.RawIOBase):
    """A file that is sent; reading it raises Interrupted when it is interrupted.

    Attributes:
        name: under which it is sent.
        size: in bytes.
        md5, sha256: as the headers have them, in base64.
        given_up: it was interrupted.
    """

    def __init__(self, data: bytes, interrupted: Callable[[], bool]) -> None:
        self.name = ""
        self.size = len(data)
        self.given_up = False
        digest = hashlib.md5(data, usedforsecurity=False)
        self._etag = digest.hexdigest()
        self.md5 = base64.b64encode(digest.digest()).decode()
        self.sha256 = base64.b64encode(hashlib.sha256(data).digest()).decode()
        self._left = io.BytesIO(data)  # shares the bytes
        self._interrupted = interrupted

    def begin(self, name: str) -> None:
        """It sets out (again), under this name."""
        self.name = name
        self.seek(0)

    def compared(self, found: Mapping[str, Any]) -> Standing:
        """What a HEAD has found, against this; an entity tag is the MD5 sum only where the server did not encrypt."""
        if found["ContentLength"] != self.size:
            return "other"
        if "ChecksumSHA256" in found:
            return "same" if found["ChecksumSHA256"] == self.sha256 else "other"
        etag = str(found.get("ETag", "")).strip('"')
        if etag == self._etag:
            return "same"
        encrypted = found.get("ServerSideEncryption", "AES256") != "AES256" or "SSECustomerAlgorithm" in found
        return "hidden" if encrypted or len(etag) != len(self._etag) else "other"

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._left.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._left.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        if self._interrupted():
            self.given_up = True
            raise Interrupted("given up")
        return self._left.read(_PIECE_BYTES if size < 0 else min(size, _PIECE_BYTES))
