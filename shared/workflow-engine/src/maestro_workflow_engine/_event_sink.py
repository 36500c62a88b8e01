"""Where the events go that runs publish: an interface, and the one sink that speaks HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Protocol

import httpx2
import msgspec

from maestro_workflow_engine._certificates import trusted_certificates
from maestro_workflow_engine._errors import WorkflowError


class EventSinkError(WorkflowError):
    """A sink did not take an event; it is offered again."""

    code: ClassVar[str] = "EVENT_SINK_REFUSED"


class EventSink(Protocol):
    """Takes the events that runs publish, one after the other, each at least once."""

    async def send(self, event: Mapping[str, Any]) -> None:
        """Hand over an event; returns once whoever takes it has it.

        Args:
            event: A CloudEvent in its JSON form.

        Raises:
            EventSinkError: It was not taken. The engine offers it again, and keeps those behind it waiting.
        """


@dataclass(frozen=True)
class HttpEventSink:
    """Sends each event by an HTTP POST in structured mode, as CloudEvents' HTTP binding (and Knative's `K_SINK`) has it.

    A response of 2xx means that the event was taken.
    """

    url: str
    """Where events go."""

    headers: Mapping[str, str] = field(default_factory=dict)
    """What is sent besides, such as an Authorization header."""

    timeout: timedelta = timedelta(seconds=10)
    """How long one attempt may take. Default 10 s."""

    async def send(self, event: Mapping[str, Any]) -> None:
        """Post an event; see `EventSink.send`."""
        headers = {**self.headers, "content-type": "application/cloudevents+json; charset=UTF-8"}
        try:
            async with httpx2.AsyncClient(
                timeout=self.timeout.total_seconds(), verify=trusted_certificates()
            ) as client:
                response = await client.post(self.url, content=msgspec.json.encode(event), headers=headers)
        except httpx2.HTTPError as error:
            raise EventSinkError(f"{self.url} cannot be reached: {error}") from error
        if not response.is_success:
            raise EventSinkError(f"{self.url} answered {response.status_code}")
