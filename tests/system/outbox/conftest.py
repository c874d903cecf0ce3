"""What the tests of an outbox that is cut short share."""

import os

import pytest


@pytest.fixture
def power_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, which only goes on with what a cut has left: nothing has to be synced."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(os, "fdatasync", lambda _: None)
