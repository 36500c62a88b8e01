"""What a protocol has to offer for AsyncAPI calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from maestro_workflow_engine.dsl.calls._asyncapi_document import Target
from maestro_workflow_engine.dsl.calls._authorization import Credentials
from maestro_workflow_engine.dsl.calls._context import CallContext


class Subscription(Protocol):
    """Messages that come one by one; those that nobody has taken yet wait."""

    async def receive(self) -> dict[str, Any]:
        """Wait for the next message.

        Returns:
            The message; see `inbound`.

        Raises:
            CallFault: The connection is gone.
        """

    async def close(self) -> None:
        """End the subscription."""


class Transport(Protocol):
    """A module that speaks a protocol."""

    async def publish(
        self, target: Target, message: Mapping[str, Any], shown: Credentials | None, context: CallContext
    ) -> None:
        """Send a message, and return once the server has it.

        Raises:
            CallFault: It could not be sent.
        """

    async def subscribe(self, target: Target, shown: Credentials | None, context: CallContext) -> Subscription:
        """Begin to receive messages, and return once the server knows.

        Raises:
            CallFault: The server cannot be reached, or refused.
        """
