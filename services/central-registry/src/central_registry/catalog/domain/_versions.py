"""Which of two versions is the older one."""

import re
from typing import Final

_NUMBER: Final = re.compile(r"\d{1,18}")


def is_older(version: str, than: str) -> bool:
    """Compare two versions by their numbers; what has a suffix (`1.0.0-rc1`) comes before what has none.

    Args:
        version: One version.
        than: Another.

    Returns:
        True when the first one is older; False also when the two cannot be told apart.
    """
    return _key(version) < _key(than)


def _key(version: str) -> tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]:
    plain = version.partition("+")[0]
    release, _, suffix = plain.partition("-")
    numbers = [int(number) for number in _NUMBER.findall(release)]
    while numbers and numbers[-1] == 0:  # 1.0 is 1.0.0
        numbers.pop()
    parts = tuple(
        (False, int(part), "") if _NUMBER.fullmatch(part) else (True, 0, part) for part in suffix.split(".") if part
    )
    return tuple(numbers), not suffix, parts
