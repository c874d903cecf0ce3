"""What was signed by keys that are not those of the camera: said once for each camera, not for every record."""

from collections import defaultdict
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pi_sec_cam.evidence.camera_key import fingerprint
from pi_sec_cam.evidence.judging.findings import BEFORE_ALL, Findings, Spot
from pi_sec_cam.evidence.record import SignedRecord
from pi_sec_cam.evidence.verdict import Verdict


@dataclass(slots=True)
class SignedByOther:
    """What such a key has signed in one folder.

    Attributes:
        camera, event: that it says it is of; empty where it says nothing.
        spot: about where that would be among the camera's own records.
    """

    folder: str
    key: bytes
    camera: str = ""
    event: str = ""
    lines: int = 0
    spot: Spot | None = None


class Strangers:
    """Gathers it, folder by folder."""

    def __init__(self) -> None:
        self._found: dict[str, dict[bytes, SignedByOther]] = defaultdict(dict)  # by folder and key

    def take(self, folder: str, record: SignedRecord, key: bytes) -> None:
        """One record."""
        found = self._found[folder].setdefault(key, SignedByOther(folder, key))
        found.lines += 1
        camera, event = record.fields.get("camera"), record.fields.get("event")
        if isinstance(camera, str) and not found.camera:
            found.camera, found.event = camera, event if isinstance(event, str) else ""

    def within(self, folder: str) -> list[SignedByOther]:
        """What there is in this folder."""
        return list(self._found.get(folder, {}).values())

    def judge(self, findings: Findings, known: set[str]) -> None:
        """Says it.

        Args:
            known: cameras of which there are records that are believed.
        """
        groups: dict[tuple[str, bytes], list[SignedByOther]] = defaultdict(list)
        for found in (each for by_key in self._found.values() for each in by_key.values()):
            groups[found.camera, found.key].append(found)
        for (camera, key), group in groups.items():
            name = fingerprint(Ed25519PublicKey.from_public_bytes(key))
            first, last = group[0].folder, group[-1].folder
            spots = [found.spot for found in group if found.spot is not None]
            where = first if len(group) == 1 else camera or first
            many = "" if len(group) == 1 else f" (in {len(group)} folders, {first} to {last})"
            belongs = (
                "not by that of the camera"
                if camera in known
                else "and the key that was given has signed nothing of it: it is another camera's"
            )
            text = f"these records{many} are signed by another key (fingerprint {name}), {belongs}"
            event = group[0].event if len(group) == 1 else None
            spot = min(spots) if len(spots) == len(group) else BEFORE_ALL
            findings.add(Verdict.FOREIGN, where, text, camera=camera or None, event=event or None, spot=spot)
