"""botocore's client of an S3 server, set up so that it tries once, in bounded time, and with our settings alone."""

import os
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.handlers import add_expect_header
from botocore.session import Session

_CONNECT_S, _SILENCE_S = 10, 30
# Where the settings of the user's other programs would come from: (name in a file, variable, default, conversion).
_NOT_OTHER_PROGRAMS = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
_making = threading.Lock()  # the session makes one client at a time, whichever uploader asks


def open_client(
    *,
    access_key_id: str,
    secret_access_key: str,
    endpoint_url: str | None,
    region: str | None,
    ca_pem_path: Path | None,
    before_put: Callable[..., None],
) -> Any:
    """A client for one thread; it connects when it is first used.

    Args:
        before_put: called with the `params` of each PutObject, whose "body" and "headers" it may look at and change.
    """
    with _making:
        client = _session().create_client(
            "s3",
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            endpoint_url=endpoint_url,
            region_name=region or "us-east-1",
            verify=str(ca_pem_path) if ca_pem_path else None,
            config=Config(
                connect_timeout=_CONNECT_S,
                read_timeout=_SILENCE_S,
                max_pool_connections=1,
                tcp_keepalive=True,
                retries={"mode": "standard", "total_max_attempts": 1},
                signature_version="s3v4",
                # We send digests ourselves; else the body would be sent in pieces that not all servers understand.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                ignore_configured_endpoint_urls=True,
            ),
        )
    client.meta.events.unregister("before-call.s3", add_expect_header)
    client.meta.events.register("before-call.s3.PutObject", before_put)
    return client


@cache
def _session() -> Session:
    """What knows how S3 speaks: 27 MB with its imports, which all stores share."""
    return Session(session_vars=_NOT_OTHER_PROGRAMS)
