"""The order of versions (semver.org, 11), lenient towards those that are none."""

import re
from typing import Final

_PART: Final = re.compile(r"\d+|[A-Za-z]+")


def version_key(version: str) -> tuple[object, ...]:
    """Return what versions are sorted by.

    Args:
        version: Version of a service.

    Returns:
        A key; a later version has a greater one, and `2.0.0-rc.1` comes before `2.0.0`.
    """
    release, _, pre = version.partition("+")[0].partition("-")
    return (_parts(release), not pre, _parts(pre), version)


def _parts(text: str) -> tuple[tuple[bool, int, str], ...]:
    return tuple(
        (not part.isdigit(), int(part) if part.isdigit() else 0, "" if part.isdigit() else part)
        for part in _PART.findall(text)
    )
