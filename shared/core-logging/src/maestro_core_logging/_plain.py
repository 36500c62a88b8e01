"""Values as a log shows them: plain data, of a bounded size, without secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from itertools import islice
from typing import Any, Final
from uuid import UUID

from maestro_core_logging._checksums import is_card_number
from maestro_core_logging._secret_texts import MASK

# They hold no secrets and every renderer knows them.
HARMLESS: Final = frozenset({type(None), bool, float, datetime, date, time, timedelta, Decimal, UUID})
_CUT: Final = "…"
_MAX_DEPTH: Final = 20
_MAX_ITEMS: Final = 1_000
MAX_TEXT: Final = 100_000
"""How many characters of one text are shown."""
_SHORTEST_CARD: Final = 10**12


def cut(text: str, most: int) -> str:
    """Cut a long text, and say so.

    Args:
        text: Any text.
        most: How many characters stay.

    Returns:
        The text, or its beginning with how much is missing.
    """
    return text if len(text) <= most else f"{text[:most]}{_CUT} (+{len(text) - most:,} characters)"


class Plainer:
    """Makes plain data of any value.

    Args:
        is_secret_key: Tells which keys are secrets'.
        mask: Masks secrets inside a text, and cuts a long one.
    """

    def __init__(self, is_secret_key: Callable[[str], bool], mask: Callable[[str], str]) -> None:
        self._is_secret_key = is_secret_key
        self._mask = mask

    def named(self, key: object, value: Any, around: tuple[int, ...] = ()) -> Any:
        """Make plain data of a value that has a name.

        Args:
            key: The name.
            value: Any value.
            around: The identities of what it stands in.

        Returns:
            A mask when the name is a secret's; a secret that is None is seen to be missing.
        """
        if isinstance(key, str) and self._is_secret_key(key):
            return None if value is None else MASK
        return self.plain(value, around)

    def plain(self, value: Any, around: tuple[int, ...] = ()) -> Any:
        """Make plain data of a value.

        Args:
            value: Any value.
            around: The identities of what it stands in.

        Returns:
            None, truth values, numbers, text, moments, UUIDs, and lists and dictionaries of them. It never fails: what
            contains itself, is nested very deep or very long is cut off, and what cannot be shown says so.
        """
        kind = type(value)
        if kind is str:
            return self._mask(value)
        if kind in HARMLESS:
            return value
        try:
            if isinstance(value, int):
                return MASK if value >= _SHORTEST_CARD and is_card_number(_digits(value)) else int(value)
            if isinstance(value, float):
                return float(value)
            if id(value) in around or len(around) >= _MAX_DEPTH:
                return _CUT
            return self._looked_into(value, (*around, id(value)))
        except Exception as failure:  # noqa: BLE001 - an object that cannot be shown must not stop whoever logs it
            return f"<{kind.__name__} that cannot be shown: {type(failure).__name__}>"

    def _looked_into(self, value: Any, around: tuple[int, ...]) -> Any:
        if isinstance(value, Enum):
            return self.plain(value.value, around)
        if isinstance(value, Mapping):
            return self._mapping(value.items(), len(value), around)
        if isinstance(value, (list, tuple, set, frozenset)):
            return self._list(value, len(value), around)
        if not isinstance(value, type):
            if callable(dump := getattr(value, "model_dump", None)):  # a pydantic model
                return self.plain(dump(mode="json", fallback=repr), around)
            if (names := _part_names(value)) is not None:
                return self._mapping([(name, getattr(value, name, None)) for name in names], len(names), around)
        return self._mask(_text(value))

    def _mapping(self, items: Iterable[tuple[Any, Any]], size: int, around: tuple[int, ...]) -> dict[str, Any]:
        shown = {
            self._mask(key if type(key) is str else str(key)): self.named(key, item, around)
            for key, item in islice(items, _MAX_ITEMS)
        }
        if size > _MAX_ITEMS:
            shown[_CUT] = f"{size - _MAX_ITEMS:,} more"
        return shown

    def _list(self, items: Iterable[Any], size: int, around: tuple[int, ...]) -> list[Any]:
        shown: list[Any] = []
        before: Any = None
        for item in islice(items, _MAX_ITEMS):
            # A command line names a secret in the item before it.
            is_named = isinstance(before, str) and before.startswith("-") and isinstance(item, str)
            shown.append(self.named(before, item, around) if is_named else self.plain(item, around))
            before = item
        if size > _MAX_ITEMS:
            shown.append(f"{_CUT} {size - _MAX_ITEMS:,} more")
        return shown


def _part_names(value: Any) -> Sequence[str] | None:
    """Return the names of the parts of a dataclass, attrs class or msgspec struct; None of anything else."""
    kind = type(value)
    if is_dataclass(kind):
        return [field.name for field in fields(kind)]
    if (attributes := getattr(kind, "__attrs_attrs__", None)) is not None:
        return [attribute.name for attribute in attributes]
    names: Sequence[str] | None = getattr(kind, "__struct_fields__", None)
    return names


def _text(value: Any) -> str:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value[: MAX_TEXT + 1]).decode("utf-8", "backslashreplace")
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    return str(value)


def _digits(number: int) -> str:
    return str(number) if number.bit_length() <= 64 else ""  # a card's number is short, and long ones are dear to write
