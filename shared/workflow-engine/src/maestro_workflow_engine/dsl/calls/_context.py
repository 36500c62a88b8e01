"""What calls share inside a process: the network, secrets, tokens and documents that were fetched."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any, Protocol

from maestro_workflow_engine.dsl._http import HttpCaller
from maestro_workflow_engine.dsl._masking import Mask
from maestro_workflow_engine.dsl._secrets import SecretProvider
from maestro_workflow_engine.dsl.calls._tokens import TokenCache


class Kept:
    """A bounded memory of what was fetched or compiled; what is older than its age is made anew."""

    def __init__(self, size: int = 64, age: timedelta = timedelta(minutes=5)) -> None:
        self._size, self._age_s = size, age.total_seconds()
        self._kept: dict[Any, tuple[float, Any]] = {}

    def get(self, key: Any) -> Any:
        """Return what is kept under a key; None when there is nothing, or it is too old."""
        found = self._kept.get(key)
        if found is None or monotonic() - found[0] > self._age_s:
            return None
        return found[1]

    def put(self, key: Any, value: Any) -> None:
        """Keep something; the oldest makes room."""
        self._kept.pop(key, None)
        while len(self._kept) >= self._size:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (monotonic(), value)


@dataclass
class Shared:
    """What all calls of a resolver share."""

    http: HttpCaller
    secrets: SecretProvider
    tokens: TokenCache = field(default_factory=TokenCache)
    documents: Kept = field(default_factory=Kept)
    """External resources, by address."""
    compiled: Kept = field(default_factory=Kept)
    """What was made of them, such as the messages of a proto file."""
    subscriptions: dict[str, Any] = field(default_factory=dict)
    """Subscriptions that tasks have open, by what tells one from another."""


@dataclass
class CallContext:
    """What one call works with."""

    shared: Shared
    mask: Mask
    allowed: frozenset[str]
    """The secrets that the document may read."""
    read: dict[str, Any] = field(default_factory=dict)
    """The secrets that were read."""

    @property
    def http(self) -> HttpCaller:
        """What sends HTTP requests."""
        return self.shared.http


class Perform(Protocol):
    """Performs one kind of call."""

    async def __call__(self, arguments: dict[str, Any], context: CallContext) -> Any:
        """Perform the call.

        Args:
            arguments: The complete arguments, secrets included.
            context: What the call works with.

        Returns:
            The task's output, any JSON value.

        Raises:
            CallFault: The call failed.
        """
