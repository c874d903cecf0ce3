"""A verification as one JSON object, for scripts (docs/at-home.md says what its keys mean)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from pi_sec_cam.evidence.reporting.outcome import outcome, weight
from pi_sec_cam.evidence.verdict import Verification

FORMAT = 1


def report_object(verification: Verification, *, checked_at: datetime, keys: Sequence[str]) -> dict[str, Any]:
    """What was found, in plain values.

    Args:
        keys: fingerprints of the keys that were given.
    """
    verdicts = Counter(str(finding.verdict) for finding in verification.findings)
    return {
        "format": FORMAT,
        "outcome": str(outcome(verification)),
        "verdict": str(verification.verdict),
        "where": verification.where,
        "checked_at": _time(checked_at),
        "key_given": verification.key_given,
        "keys": list(keys),
        "counts": {
            "events": len(verification.events),
            "files": sum(event.files for event in verification.events),
            "bytes": sum(event.bytes for event in verification.events),
            "pictures": sum(event.pictures for event in verification.events),
            "findings": dict(sorted(verdicts.items())),
        },
        "cameras": [_plain(camera) for camera in verification.cameras],
        "events": [_plain(event) for event in verification.events],
        "findings": [{"weight": str(weight(each.verdict)), **_plain(each)} for each in verification.findings],
    }


def _plain(result: Any) -> dict[str, Any]:
    return _values(asdict(result))


def _values(said: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _time(value) if isinstance(value, datetime) else _values(value) if isinstance(value, dict) else value
        for name, value in said.items()
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
