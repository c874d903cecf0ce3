"""The rehearsal of the owner's key: words that only the opened picture shows, and the note that they were read."""

import json
import secrets
from datetime import datetime
from pathlib import Path

from pi_sec_cam.durable import make_directories, storage_error, write_atomically
from pi_sec_cam.offsite.owner_key import PublicKey, fingerprint

_NOTE = "rehearsed.json"
# Short, common, no two alike in sound or spelling.
_WORDS = """
    acorn anchor apple autumn bacon barrel beaver bridge butter camel candle carrot castle cherry circus cloud
    copper cotton cradle dinner dragon eagle engine falcon feather fiddle finger forest garden ginger guitar hammer
    helmet honey island jacket kettle kitten ladder lemon magnet marble meadow mirror monkey mountain needle
    onion orange otter paddle parrot pepper pillow planet pocket rabbit ribbon river rocket saddle salmon shadow
    silver spider squirrel summer tiger tomato tower tulip turtle velvet violin walnut whistle window winter zebra
"""


def code_words() -> str:
    """Two words by chance: enough that nobody guesses them who has not seen the picture."""
    return " ".join(secrets.choice(_WORDS.split()) for _ in range(2))


def are_the_words(typed: str, words: str) -> bool:
    """Whether these are the words, however they are spaced and capitalised."""
    return typed.casefold().split() == words.casefold().split()


def rehearsed(identity: Path, public_key: PublicKey) -> bool:
    """Whether the owner has opened something with this key's private half.

    Args:
        identity: the directory of that name below the storage directory.
    """
    try:
        said = json.loads((identity / _NOTE).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and said.get("fingerprint") == fingerprint(public_key)


def note_rehearsed(identity: Path, public_key: PublicKey, at: datetime) -> None:
    """From now on `rehearsed` says so of this key, and of no other.

    Raises:
        StorageError: from the disk.
    """
    note = {"version": 1, "fingerprint": fingerprint(public_key), "at": at.isoformat(timespec="seconds")}
    try:
        make_directories(identity, identity.parent)
        identity.chmod(0o700)
        write_atomically(identity / _NOTE, json.dumps(note, indent=2).encode() + b"\n")
    except OSError as error:
        raise storage_error(f"cannot note the rehearsal in {identity}", error) from error
