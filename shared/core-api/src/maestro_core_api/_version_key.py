"""The order of versions (semver.org, 11), lenient towards those that are none."""

import re
from typing import Final

_NUMBER: Final = re.compile(r"\d{1,18}")
_PART: Final = re.compile(r"\d{1,18}|[A-Za-z]+")
VersionKey = tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]


def version_key(version: str) -> VersionKey:
    """Return what versions are sorted by.

    Args:
        version: Version of a service, whatever it looks like.

    Returns:
        A key; a later version has a greater one, and `2.0.0-rc.1` comes before `2.0.0`. Versions that differ in nothing but
        trailing zeros or what is behind a `+` have the same one.
    """
    release, _, suffix = version.partition("+")[0].partition("-")
    numbers = [int(number) for number in _NUMBER.findall(release)]
    while numbers and numbers[-1] == 0:  # 1.0 is 1.0.0
        numbers.pop()
    parts = tuple((False, int(part), "") if part.isdigit() else (True, 0, part) for part in _PART.findall(suffix))
    return tuple(numbers), not suffix, parts
