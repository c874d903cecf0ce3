"""botocore's client of an S3 server, set up so that it tries once, in bounded time, and with our settings alone."""

import os
import socket
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.handlers import add_expect_header
from botocore.httpsession import URLLib3Session
from botocore.session import Session
from botocore.utils import get_environ_proxies

# How long nothing may move, in seconds, while bytes are sent and while the answer is waited for. The kernel takes up
# to 512 KB ahead of the line, which is 80 s of 50 kbit/s; without SO_SNDBUF it takes megabytes, and no time is enough.
_TIMEOUTS_S = (60, 120)
_SOCKET_OPTIONS = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18),
    # Routers forget connections that nobody uses, and say nothing: an event would begin with waiting for an answer.
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 45),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000),  # ms without any of what was sent being acknowledged
]
# Where the settings of the user's other programs would come from: (name in a file, variable, default, conversion).
_NOT_OTHER_PROGRAMS = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
_making = threading.Lock()  # the session makes one client at a time, whichever uploader asks


class S3Client:
    """For one thread; it connects when it is first used.

    Args:
        before_put: called with the `params` of each PutObject, whose "body" and "headers" it may look at and change.

    Attributes:
        calls: botocore's client: `put_object`, …
    """

    def __init__(
        self,
        *,
        access_key_id: str,
        secret_access_key: str,
        endpoint_url: str | None,
        region: str | None,
        ca_pem_path: Path | None,
        before_put: Callable[..., None],
    ) -> None:
        with _making:
            self.calls: Any = _session().create_client(
                "s3",
                aws_access_key_id=access_key_id,
                aws_secret_access_key=secret_access_key,
                endpoint_url=endpoint_url,
                region_name=region or "us-east-1",
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": 1},
                    signature_version="s3v4",
                    # We send digests ourselves; else bodies would be sent in pieces that not all servers understand.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    ignore_configured_endpoint_urls=True,
                ),
            )
        # botocore's own session, but with socket options, which it takes from nowhere else.
        self._line = URLLib3Session(
            verify=_trusted(ca_pem_path),
            proxies=get_environ_proxies(self.calls.meta.endpoint_url),
            timeout=_TIMEOUTS_S,
            max_pool_connections=1,
            socket_options=_SOCKET_OPTIONS,
        )
        self.calls.meta.events.unregister("before-call.s3", add_expect_header)
        self.calls.meta.events.register("before-call.s3.PutObject", before_put)
        self.calls.meta.events.register("before-send.s3", self._send)

    def close(self) -> None:
        self.calls.close()
        self._line.close()

    def _send(self, request: AWSPreparedRequest, **others: Any) -> AWSResponse:
        return self._line.send(request)


def _trusted(ca_pem_path: Path | None) -> str | bool:
    """The file of certificates that vouch for a server; True: those that are vouched for in general."""
    if ca_pem_path is not None:
        return str(ca_pem_path)
    return os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE") or True


@cache
def _session() -> Session:
    """What knows how S3 speaks: 27 MB with its imports, which all stores share."""
    return Session(session_vars=_NOT_OTHER_PROGRAMS)
