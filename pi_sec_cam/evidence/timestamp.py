"""Time stamps (RFC 3161): has a head stamped, and says whether a stamp holds (docs/evidence.md, Stamps).

The library knows SHA-256, -384 and -512 (we use the first alone), makes nonces of 64 bits, takes "granted" alone for
success, and has OpenSSL verify with the certificates as they were at the stamp's own time. Whether the answer is to
what was asked is left to us.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509

from pi_sec_cam.errors import KeyUnusable, PiSecCamError
from pi_sec_cam.evidence.stamp_exchange import LARGEST_STAMP_BYTES, NoStamp, authority_of, exchange

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

_STATUSES = {  # RFC 3161, 2.4.2
    1: "granted, but otherwise than asked",
    2: "rejected",
    3: "put off",
    4: "answered by a warning of revocation",
    5: "answered by a revocation",
}


class StampWrong(PiSecCamError, ValueError):
    """A stamp that proves nothing: none at all, about something else, or not signed as it says."""


class AuthorityUnknown(PiSecCamError, ValueError):
    """A stamp of an authority that is not among those that are believed."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A stamp that holds.

    Attributes:
        at: what was stamped existed then, by the authority's clock.
        authority: its name.
    """

    at: datetime
    authority: str


def library_missing() -> str:
    """What to do where the library for time stamps is not installed; empty where it is."""
    if find_spec("rfc3161_client") is not None:
        return ""
    return f"time stamps need a library that is missing; install it: {sys.executable} -m pip install rfc3161-client"


def request_stamp(url: str, head: str) -> bytes:
    """Ask an authority; its answer as it came (TimeStampResp, DER), which is about this head and to this request.

    Whether its certificate is to be believed is left to who verifies. How long it takes: see `exchange`.

    Raises:
        NoStamp: none came.
    """
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    request = TimestampRequestBuilder().data(head.encode("ascii")).hash_algorithm(HashAlgorithm.SHA256).build()
    tsr = exchange(url, request.as_bytes())
    try:
        answer = _Answer(tsr, head)
    except StampWrong as error:
        raise NoStamp(f"{authority_of(url)} answers, but {error}") from error
    if answer.nonce != request.nonce:  # else an old stamp could be given again
        raise NoStamp(f"{authority_of(url)} answers, but to another request (the nonce differs)")
    return tsr


def check_stamp(tsr: bytes, head: str, roots: Sequence[x509.Certificate]) -> Stamp:
    """What a stamp proves of a head.

    Args:
        tsr: the authority's answer.
        head: `<chain>:<n>:<hash>`.
        roots: of the authorities that are believed, and what is between them and a stamp that does not hold it itself.

    Raises:
        StampWrong: it proves nothing.
        AuthorityUnknown: it is of an authority that is not among these.
    """
    from rfc3161_client import VerificationError, VerifierBuilder

    answer = _Answer(tsr, head)
    if not answer.issuers & {root.subject for root in roots}:
        raise AuthorityUnknown(f"the stamp is of {answer.authority}, which none of the given certificates vouches for")
    try:
        VerifierBuilder(roots=list(roots)).build().verify_message(answer.response, head.encode("ascii"))
    except (VerificationError, ValueError) as error:  # OpenSSL's own words, which are for programmers
        raise StampWrong(
            f"the stamp is not signed by {answer.authority} as it says, or that certificate is not meant for stamps"
        ) from error
    return Stamp(answer.at, answer.authority)


def read_authorities(path: Path) -> list[x509.Certificate]:
    """The certificates of authorities in a file (PEM, one or more).

    Raises:
        KeyUnusable: there are none.
    """
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise KeyUnusable(f"cannot read {path}: {os.strerror(error.errno or 0)}") from error
    except ValueError as error:
        raise KeyUnusable(f"{path} holds no certificates (PEM); an authority offers its own for download") from error


class _Answer:
    """An authority's answer about a head, with the certificate that it says it is signed by; not whether that is so.

    Attributes:
        response: all of it.
        at: its time.
        nonce: that of the request.
        authority: for people.
        issuers: who vouches for the certificates in it.

    Raises:
        StampWrong: it is none, about something else, or its certificate was not valid then.
    """

    def __init__(self, tsr: bytes, head: str) -> None:
        self.response = _decoded(tsr)
        if self.response.status != 0:
            raise StampWrong(_refusal(self.response))
        try:
            info, signed = self.response.tst_info, self.response.signed_data
            self.at, self.nonce = info.gen_time, info.nonce
            digest = info.message_imprint.message
            certificates = [x509.load_der_x509_certificate(each) for each in signed.certificates]
            names = [(each.issuer, each.serial_number) for each in signed.signer_infos]
            signer = next((each for each in certificates if (each.issuer, each.serial_number) in names), None)
            self.issuers = {each.issuer for each in certificates}
            self.authority = _name(signer.subject) if signer else ""
        except (ValueError, KeyError, x509.InvalidVersion) as error:  # KeyError: a kind of text in a name
            raise StampWrong("the stamp is damaged") from error
        if digest != sha256(head.encode("ascii")).digest():
            raise StampWrong("the stamp is about something else")
        if signer is None:
            raise StampWrong("the stamp lacks the certificate of who signed it")
        begin, end = signer.not_valid_before_utc, signer.not_valid_after_utc
        if not begin <= self.at <= end:
            valid = f"{begin:%Y-%m-%d} to {end:%Y-%m-%d}"
            raise StampWrong(f"the stamp is of {self.at:%Y-%m-%d}, when its certificate was not valid ({valid})")


def _decoded(tsr: bytes) -> "TimeStampResponse":
    from rfc3161_client import decode_timestamp_response

    if len(tsr) > LARGEST_STAMP_BYTES:
        raise StampWrong("this is no stamp: it is too long")
    try:
        return decode_timestamp_response(tsr)
    except ValueError as error:
        raise StampWrong("this is no stamp") from error


def _refusal(response: "TimeStampResponse") -> str:
    said = _shown(" ".join(response.status_string))
    state = _STATUSES.get(response.status, f"answered by status {response.status}")
    return f"the request was {state}" + (f": {said}" if said else "")


def _name(subject: x509.Name) -> str:
    common = subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return _shown(str(common[0].value) if common else subject.rfc4514_string())


def _shown(text: str) -> str:
    """What others have written, fit for a line."""
    return "".join(c for c in text if c.isprintable())[:200]
