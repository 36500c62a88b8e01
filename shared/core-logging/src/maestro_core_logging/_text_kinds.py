"""A quick look at a text, before patterns are tried that would take much longer.

Nearly every text that is logged holds nothing to mask, and regular expressions take microseconds to say so. Mapping every byte to its kind
and looking for runs of kinds takes some ten nanoseconds.
"""

from __future__ import annotations

from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import Final

# Digits are "0", capitals "A", small letters "a", what may stand between groups of a card's digits "-", all else ".".
_KINDS: Final = bytes(
    ord("0") if chr(code) in digits
    else ord("A") if chr(code) in ascii_uppercase
    else ord("a") if chr(code) in ascii_lowercase
    else ord("-") if chr(code) in " -"
    else ord(".")
    for code in range(256)
)  # fmt: skip
_WORDS: Final = bytes(ord("w") if chr(code) in f"{ascii_letters}{digits}_-" else ord(" ") for code in range(256))
_IDENTIFIER: Final = b"0123456789abcdef-"
_DIGITS: Final = digits.encode()
_CARD: Final = b"0" * 13
_GROUPED_CARD: Final = b"0000-0000-0000-0000"
_SHORTER_CARD: Final = b"0000-000000-0000"
_ACCOUNT: Final = b"AA00"
_LONG_WORD: Final = b"w" * 15  # the shortest API key, with its prefix


def may_hold_token(text: str) -> bool:
    """Tell whether a text may hold the number of a card or an account, an API key or a JSON web token.

    Args:
        text: Any text.

    Returns:
        No when it holds neither as many digits, nor two digits on two capitals, nor a word as long as that; ids made of
        hexadecimal digits and dashes are such words, and harmless. Yes when patterns have to decide.
    """
    data = text.encode("utf-8", "replace")
    if len(data) == 36 and data[8:24:5] == b"----" and not data.translate(None, _IDENTIFIER):
        return False  # a UUID, as the ids of requests are
    kinds = data.translate(_KINDS)
    if _CARD in kinds or _ACCOUNT in kinds or _GROUPED_CARD in kinds or _SHORTER_CARD in kinds:
        return True
    return _LONG_WORD in data.translate(_WORDS) and bool(data.translate(None, _IDENTIFIER))


def has_digit(text: str) -> bool:
    """Tell whether there is a decimal digit of ASCII in a text."""
    data = text.encode("utf-8", "replace")
    return len(data.translate(None, _DIGITS)) < len(data)
