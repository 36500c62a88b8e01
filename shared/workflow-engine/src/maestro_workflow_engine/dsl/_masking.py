"""Keeping secrets out of what leaves a step: its output, and what it tells of a failure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

MASK = "**********"
_SHORTEST_IN_MESSAGES = 3
_SHORTEST = 8
"""Shorter texts, such as a user name, may stand in an answer by chance; they are masked in messages only."""


class Mask:
    """Replaces secrets in whatever it is shown."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def learn(self, value: Any) -> None:
        """Take all text in a value for secret, in whichever way an address or JSON writes it."""
        for text in _texts(value):
            self._secrets.update((text, quote(text, safe=""), json.dumps(text)[1:-1]))

    def message(self, text: str) -> str:
        """Return a message without any secret."""
        return self._hidden(text, self._ordered(_SHORTEST_IN_MESSAGES))

    def output(self, value: Any) -> Any:
        """Return a JSON value in which no secret of eight or more characters stands, keys included."""
        secrets = self._ordered(_SHORTEST)
        return self._walk(value, secrets) if secrets else value

    def _ordered(self, shortest: int) -> list[str]:
        return sorted((text for text in self._secrets if len(text) >= shortest), key=len, reverse=True)

    def _walk(self, value: Any, secrets: list[str]) -> Any:
        if isinstance(value, str):
            return self._hidden(value, secrets)
        if isinstance(value, list):
            return [self._walk(item, secrets) for item in value]
        if isinstance(value, dict):
            return {self._hidden(key, secrets): self._walk(item, secrets) for key, item in value.items()}
        return value

    @staticmethod
    def _hidden(text: str, secrets: Iterable[str]) -> str:
        for secret in secrets:
            text = text.replace(secret, MASK)
        return text


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
    elif value is not None and not isinstance(value, bool):
        yield str(value)
