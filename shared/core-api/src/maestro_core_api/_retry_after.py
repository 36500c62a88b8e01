"""Reading `Retry-After`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

_MOST_DIGITS: Final = 9


def retry_after(
    headers: Mapping[str, str], *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> timedelta | None:
    """Read `Retry-After`, a number of seconds or a date (RFC 9110, section 10.2.3).

    Args:
        headers: Headers of an answer.
        now: The time of day.

    Returns:
        How long to wait, never negative; None without the header, or when it makes no sense.
    """
    asked = next((text.strip() for name, text in headers.items() if name.lower() == "retry-after"), "")
    if asked.isascii() and asked.isdigit() and len(asked) <= _MOST_DIGITS:
        return timedelta(seconds=int(asked))
    try:
        at = parsedate_to_datetime(asked)
    except ValueError:
        return None
    return max(timedelta(0), (at if at.tzinfo else at.replace(tzinfo=UTC)) - now())
