"""What a class may say about a setting beside its type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeVar

T = TypeVar("T")


class _Live:
    """The mark behind `Live`."""

    def __repr__(self) -> str:
        return "Live"


LIVE = _Live()

Live = Annotated[T, LIVE]
"""A setting that the running service takes up when it changes: `page_size: Live[int] = 50`.

A setting without the mark keeps its value until the next start, whatever its sources say meanwhile. On a nested setting the mark
means all of its parts.
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number counts, where the setting's name does not say it: `Annotated[int, Unit("tokens")]`."""

    name: str
    """In the plural, such as "tokens"."""


@dataclass(frozen=True, slots=True)
class SecretStrength:
    """What production asks of a secret, where the ordinary rule does not fit: `Annotated[SecretStr, SecretStrength(min_length=6)]`."""

    min_length: int = 16
    """The fewest characters. Default: 16."""

    min_bits: float = 40.0
    """The least estimated entropy, in bits; 0 asks for none, and lets well-known words pass. Default: 40."""

    may_repeat: bool = False
    """Whether another setting may hold the same secret. Default: no."""
