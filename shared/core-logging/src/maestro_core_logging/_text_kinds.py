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
_CARD_KINDS: Final = (b"0000000000000", b"0000-0000-0000-0000", b"0000-000000-0000")
_IBAN_KIND: Final = b"AA00"
_LONG_WORD: Final = b"w" * 15  # the shortest one, with its prefix


class TextKinds:
    """What a text can hold, going by its kinds of characters.

    Args:
        text: The text.

    Attributes:
        is_identifier: Whether it is made of hexadecimal digits and dashes alone, as ids are.
    """

    __slots__ = ("_data", "_kinds", "is_identifier")

    def __init__(self, text: str) -> None:
        self._data = text.encode("utf-8", "replace")
        self._kinds = self._data.translate(_KINDS)
        self.is_identifier = not self._data.translate(None, _IDENTIFIER)

    def may_hold_card(self) -> bool:
        """Tell whether there is a run of digits as long as a card's."""
        kinds = self._kinds
        return _CARD_KINDS[0] in kinds or _CARD_KINDS[1] in kinds or _CARD_KINDS[2] in kinds

    def may_hold_iban(self) -> bool:
        """Tell whether two digits follow on two capitals."""
        return _IBAN_KIND in self._kinds

    def may_hold_api_key(self) -> bool:
        """Tell whether there is a word as long as an API key."""
        return _LONG_WORD in self._data.translate(_WORDS)
