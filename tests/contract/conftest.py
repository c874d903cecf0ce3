"""Servers that more than one suite needs, started once."""

from collections.abc import Iterator
from functools import cache

import botocore.session
import pytest

from tests.loopback_dropbox.server import LoopbackDropbox
from tests.s3_server import S3Server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with pytest.MonkeyPatch.context() as patch:
        # botocore reads how S3 speaks, a megabyte of JSON, for each client anew.
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        with S3Server(tmp_path_factory.mktemp("s3")) as running:
            yield running


@pytest.fixture(scope="session")
def dropbox_server() -> Iterator[LoopbackDropbox]:
    with LoopbackDropbox() as running, running.as_dropbox():
        yield running
