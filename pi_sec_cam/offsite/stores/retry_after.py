"""How long a server asks to be left alone."""

from datetime import UTC
from email.utils import parsedate_to_datetime

_LONGEST_S = 3600.0


def retry_after_s(said: str | None, server_date: str | None = None) -> float | None:
    """The seconds in a Retry-After header (RFC 9110, 10.2.3), an hour at most; None without one, or if it is nonsense.

    Args:
        said: seconds, also with a fraction, or a date.
        server_date: the Date header of the same answer, by which a date is counted: this machine's clock may be wrong.
    """
    if said is None:
        return None
    try:
        seconds = float(said)
    except ValueError:
        try:
            then, now = (parsedate_to_datetime(date) for date in (said, server_date or ""))
        except ValueError:
            return None
        # A date with the zone "-0000" comes without one; it is in UTC.
        seconds = (then.replace(tzinfo=then.tzinfo or UTC) - now.replace(tzinfo=now.tzinfo or UTC)).total_seconds()
    return min(seconds, _LONGEST_S) if seconds >= 0 else None  # NaN is not
