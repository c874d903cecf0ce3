"""The page of plain words in the zip of an event: what is what, and how to check it."""

from collections.abc import Collection, Sequence
from typing import Literal

from pi_sec_cam.evidence.camera_key import PublicKey, raw
from pi_sec_cam.home.evidence_contents import FOOTAGE, EventEvidence

NAME = "README.txt"
KeyFrom = Literal["owner", "camera", "records"]
"""Who says that a key is the camera's."""

_PAGE = """\
An event that a security camera recorded
========================================

Camera and event:  {event}
Began:             {began} UTC, by the camera's clock{clock}

What is what
------------
{parts}
SHA256SUMS          A checksum of each of these files.

How to check it
---------------
In a terminal, in the folder with all this. It takes Python 3.9 or later with its package "cryptography"
(python3 -m pip install cryptography), and nothing of the camera's own program.

{checks}

Whose key is it?
----------------
Everything hangs on the key in camera_public.pem:
    {digits}
{key_said} Compare it with what was noted on
the camera itself, by "pi-sec-cam keys camera", when it was still where it belongs.
"""
_KEY_SAID: dict[KeyFrom, str] = {
    "owner": "Whoever made this zip gave it as the camera's key.",
    "camera": "This zip was made on the camera, and that is its key.",
    "records": "It was taken from the records themselves, which proves little: anyone can make a key.",
}
_PARTS = {
    "clip.mp4": "The film, for any player. Where the camera changed its picture, or\n"
    "something is missing, it goes on in clip-2.mp4.",
    "motion.jpg": "The picture of what moved.",
    f"{FOOTAGE}/": "The originals: the files as they left the camera, and the camera's\n"
    "signed records of them (evidence0.jsonl, ...).",
    "report.html": "What was found when this zip was made: open it in a browser.",
    "report.txt": "The same, in short.",
    "camera_public.pem": "The camera's public key, by which the records are checked.",
    "verify.py": "Checks the originals by the records.",
    "decrypt.py": "Opens sealed originals, with the owner's private key.",
}
_ONLY_RECORDS = (
    "The camera's signed records of the files that it sent. The files\n"
    "themselves are where it sent them: it keeps none."
)


def readme(evidence: EventEvidence, names: Collection[str], *, key: PublicKey, by: KeyFrom) -> bytes:
    """The page.

    Args:
        names: what stands at the top of the zip.
        key: the camera's.
        by: who says so.
    """
    originals = [item.name for item in evidence.originals]
    parts = _PARTS if originals else {**_PARTS, f"{FOOTAGE}/": _ONLY_RECORDS}
    unset = evidence.opening.fields.get("synchronised") is False
    return _PAGE.format(
        event=evidence.event,
        began=f"{evidence.at:%Y-%m-%d %H:%M:%S}",
        clock=", which was not set" if unset else "",
        parts="\n".join(
            f"{name:<20}" + text.replace("\n", "\n" + " " * 20)
            for name, text in parts.items()
            if name in names or name.endswith("/")
        ),
        checks="\n\n".join(_checks(evidence, originals)),
        digits=raw(key).hex(),
        key_said=_KEY_SAID[by],
    ).encode()


def _checks(evidence: EventEvidence, originals: Sequence[str]) -> list[str]:
    same = (
        "1. Is all of this as it was made?\n"
        "       sha256sum -c SHA256SUMS\n   or, on a Mac:\n       shasum -a 256 -c SHA256SUMS"
    )
    if not originals:
        return [
            same,
            "2. The film here is the camera's own copy, and no record speaks of that. What the records speak of has\n"
            "   to be fetched from where the camera sent it, and makes a better zip:\n"
            "       pi-sec-cam fetch ...\n"
            f'       pi-sec-cam export --evidence "FOLDER/{evidence.event}" event.zip',
        ]
    first = originals[0]
    into = f"video.{first.rpartition('.')[2]}"
    opens = f'cat "{first}" >>{into}'
    if evidence.sealed:
        opens = f'python3 decrypt.py -k OWNERS_PRIVATE_KEY.pem -i "{first}" -o {into}'
    return [
        same,
        "2. Are the originals those that the camera sent, and all of them?\n"
        f"       python3 verify.py -p camera_public.pem --only-here {FOOTAGE}\n"
        "   Its last line is the answer: WHOLE, WRONG, or OPEN (for something nobody vouches).\n"
        "   or, where the camera's program is installed:\n"
        f"       pi-sec-cam verify {FOOTAGE} -p camera_public.pem --only-here",
        "3. Does the film show what the originals show? Put these together, one after the other, in the order of\n"
        f"   their numbers, and look at them:\n       {opens}",
    ]
