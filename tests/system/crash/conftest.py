"""What the crash tests share: the programs to be cut short, and one memory of the videos that were seen."""

from collections.abc import Iterator

import pytest

from tests.system.crash.examination import Examination
from tests.system.crash.tracing import Programs


@pytest.fixture(scope="package")
def programs() -> Iterator[Programs]:
    with Programs() as running:
        yield running


@pytest.fixture(scope="package")
def examination() -> Examination:
    return Examination()
