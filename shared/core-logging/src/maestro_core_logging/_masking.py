"""What the log of a process masks, now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from maestro_core_logging._options import Masking
from maestro_core_logging._plain import MAX_TEXT, Plainer, cut
from maestro_core_logging._secret_keys import secret_keys
from maestro_core_logging._secret_texts import secret_texts
from maestro_core_logging._text_kinds import has_digit

_MOST_REMEMBERED: Final = 4_096
_LONGEST_REMEMBERED: Final = 200


class Masker:
    """Keeps secrets out, and remembers what it found to be harmless.

    Keys and the words of events are few, because they stand in source code, and lines are many: each is judged once. What is
    remembered are answers of pure functions, at most 4,096 keys and as many short texts; those with digits are left out, because ids
    and paths vary without end, and keeping them costs more than judging them.

    Attributes:
        plain_keys: Keys known to be neither secret nor taken.
        clean_texts: Texts known to hold no secret.
        is_secret_key: Tells whether a key is a secret's.
        plain: Makes plain data of a value.
        named: Makes plain data of a key's value.
    """

    __slots__ = ("_mask", "clean_texts", "is_secret_key", "named", "plain", "plain_keys")

    def __init__(self) -> None:
        self.plain_keys: set[str] = set()
        self.clean_texts: set[str] = set()
        self.configure(Masking())

    def configure(self, masking: Masking) -> None:
        """Change what is masked. What was bound to a logger or a context before was cleaned when it was bound.

        Args:
            masking: What counts beside the usual.
        """
        self.is_secret_key: Callable[[str], bool] = secret_keys(masking)
        self._mask = secret_texts(masking, self.is_secret_key)
        plainer = Plainer(self.is_secret_key, self.text)
        self.plain: Callable[[Any], Any] = plainer.plain
        self.named: Callable[[str, Any], Any] = plainer.named
        # Exchanged, not emptied: whoever is in the middle of a line goes on with the old ones.
        self.plain_keys, self.clean_texts = set(), set()

    def text(self, text: str) -> str:
        """Mask the secrets inside a text, and cut a long one.

        Args:
            text: Any text.

        Returns:
            The text, or a copy without secrets.
        """
        known = self.clean_texts
        if text in known:
            return text
        if len(text) > MAX_TEXT:
            return self._mask(cut(text, MAX_TEXT))
        masked = self._mask(text)
        if masked is text and len(text) <= _LONGEST_REMEMBERED and not has_digit(text):
            if len(known) >= _MOST_REMEMBERED:
                known.clear()
            known.add(text)
        return masked

    def remember_key(self, key: str) -> None:
        """Remember that a key is neither secret nor taken.

        Args:
            key: The key.
        """
        if len(self.plain_keys) < _MOST_REMEMBERED:
            self.plain_keys.add(key)


MASKER: Final = Masker()  # a process has one log, and this is part of it
