"""What a password must be (NIST SP 800-63B, 3.1.1): long, and not one that everybody tries first. No rules about kinds of characters."""

import re
import unicodedata
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Final

from ._errors import InvalidIdentityError

LONGEST: Final = 256
_LOOKS_LIKE: Final = str.maketrans("013457@$!", "oieastasi")
_SEQUENCES: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "azertyuiop",
)
_SHORTEST_WORD: Final = 4
_OWN_CHARACTERS: Final = 5
_GONE: Final = "\0"
"""Stands where something was taken away; no password has it."""


def normalised(password: str) -> str:
    """Return the one form of a password that is hashed: the same characters typed on another keyboard are the same password.

    Args:
        password: As it was typed.
    """
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, *, shortest: int, names: Collection[str] = ()) -> None:
    """Refuse a password that would be guessed.

    Args:
        password: The password.
        shortest: How many characters it must have.
        names: What it must not be made of: the user's name, the service's.

    Raises:
        InvalidIdentityError: It says what to do.
    """
    text = normalised(password)
    if len(text) < shortest:
        raise _refused(f"must have at least {shortest} characters; some words in a row do well")
    if len(text) > LONGEST:
        raise _refused(f"must have at most {LONGEST} characters")
    if not text.isprintable():
        raise _refused("must be made of characters that can be typed and seen")
    if _is_guessed(text.casefold(), names):
        raise _refused(
            "is among those that are tried first, or made of your name; choose words that nobody would put together"
        )


def _is_guessed(text: str, names: Collection[str]) -> bool:
    """Tell whether little is left when everything is taken away that is tried first."""
    # A repetition may be where two words meet, a row of keys within a word, another word where one is written twice: none of
    # them goes first for certain.
    once = re.sub(r"(.{4,}?)\1+", r"\1", text)
    tried = (
        _without_words(_without_rows(_without_repetitions(text)), names),
        _without_repetitions(_without_words(_without_rows(text), names)),
        _without_repetitions(_without_words(once, names)),
    )
    return min(map(_own_characters, tried)) < _OWN_CHARACTERS


def _without_repetitions(text: str) -> str:
    return re.sub(r"([^\0]{1,4}?)\1{2,}", _GONE, text)


def _without_rows(text: str) -> str:
    for part in _rows_of_keys():
        text = text.replace(part, _GONE)
    return text


def _without_words(text: str, names: Collection[str]) -> str:
    text = text.translate(_LOOKS_LIKE)
    words = {word.translate(_LOOKS_LIKE) for word in (*common_words(), *(name.casefold() for name in names))}
    for word in sorted(words, key=lambda word: (-len(word), word)):
        if len(word) >= _SHORTEST_WORD:
            text = text.replace(word, _GONE)
    return text


def _own_characters(rest: str) -> int:
    if _GONE in rest:
        # "…2024!" around a common word is nothing of one's own.
        rest = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", rest)
    return len(set(rest) - {" ", _GONE})


@cache
def _rows_of_keys() -> tuple[str, ...]:
    parts = {
        sequence[start : start + length]
        for row in _SEQUENCES
        for sequence in (row, row[::-1])
        for length in range(_SHORTEST_WORD, len(sequence) + 1)
        for start in range(len(sequence) - length + 1)
    }
    return tuple(sorted(parts, key=lambda part: (-len(part), part)))


@cache
def common_words() -> frozenset[str]:
    """Return the words that passwords are made of most often."""
    text = files("governance_service.identity.domain").joinpath("common-passwords.txt").read_text("utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def _refused(message: str) -> InvalidIdentityError:
    return InvalidIdentityError({"password": message})
