"""The AsyncAPI 3.0 document of a service: what it publishes, and what it listens to.

Specification: https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from maestro_core_messaging._broker import Broker
from maestro_core_messaging._event import CONTENT_TYPE
from maestro_core_messaging._event_type import EventType

_VERSION: Final = "3.0.0"
_SCHEMAS: Final = "#/components/schemas/"
_TEXT: Final = {"type": "string"}
_SOME_TEXT: Final = {"type": "string", "minLength": 1}


def asyncapi_document(
    broker: Broker, *, title: str | None = None, version: str = "1.0.0", description: str | None = None
) -> dict[str, Any]:
    """Describe what a service publishes and what it listens to.

    Args:
        broker: With its subscribers, and with what it `publishes`.
        title: Of the document; None takes the service's name.
        version: Of the service.
        description: Of the service.

    Returns:
        The document, as JSON values.
    """
    document = _Document(broker)
    for event_type in broker.event_types:
        document.publishes(event_type)
    for subscription in broker.declared:
        consumer = broker.consumer_name(subscription.durable)
        for source in subscription.sources:
            document.listens(consumer, source, subscription.handler.__doc__)
    info = {"title": title or broker.service_name, "version": version}
    made: dict[str, Any] = {
        "asyncapi": _VERSION,
        "info": info if description is None else {**info, "description": description},
        "defaultContentType": CONTENT_TYPE,
        "channels": document.channels,
        "operations": document.operations,
        "components": {"messages": document.messages, "schemas": document.schemas},
    }
    servers = dict(_servers(broker.server))
    return {**made, "servers": servers} if servers else made


class _Document:
    def __init__(self, broker: Broker) -> None:
        self.channels: dict[str, Any] = {}
        self.operations: dict[str, Any] = {}
        self.messages: dict[str, Any] = {}
        self.schemas: dict[str, Any] = {}
        self._service = broker.service_name

    def publishes(self, event_type: EventType[Any]) -> None:
        """Add an operation that sends."""
        message = self._message(event_type)
        self._operation(f"publish_{_identifier(event_type.subject)}", "send", event_type.subject, message)

    def listens(self, consumer: str, source: EventType[Any] | str, told: str | None) -> None:
        """Add an operation that receives."""
        subject = source if isinstance(source, str) else source.subject
        message = self._any_event() if isinstance(source, str) else self._message(source)
        operation = self._operation(f"{consumer}_{_identifier(subject)}", "receive", subject, message)
        if told:
            operation["summary"] = told.strip().splitlines()[0]
        operation["x-consumer"] = consumer

    def _operation(self, name: str, action: str, subject: str, message: str) -> dict[str, Any]:
        channel = _identifier(subject)
        made: dict[str, Any] = self.channels.setdefault(channel, {"address": subject, "messages": {}})
        made["messages"][message] = {"$ref": f"#/components/messages/{message}"}
        operation: dict[str, Any] = self.operations.setdefault(
            name, {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "messages": []}
        )
        reference = {"$ref": f"#/channels/{channel}/messages/{message}"}
        if reference not in operation["messages"]:
            operation["messages"].append(reference)
        return operation

    def _message(self, event_type: EventType[Any]) -> str:
        name = f"{_identifier(event_type.name)}_v{event_type.version}"
        if name not in self.messages:
            schema = event_type.adapter.json_schema(mode="serialization", ref_template=f"{_SCHEMAS}{name}_{{model}}")
            for model, definition in schema.pop("$defs", {}).items():
                self.schemas[f"{name}_{model}"] = definition
            self.schemas[f"{name}_data"] = schema
            self.messages[name] = {
                "name": event_type.subject,
                "title": f"{event_type.name} version {event_type.version}",
                "contentType": CONTENT_TYPE,
                "payload": _envelope(event_type, {"$ref": f"{_SCHEMAS}{name}_data"}),
            }
            if event_type.description:
                self.messages[name]["summary"] = event_type.description
        return name

    def _any_event(self) -> str:
        self.messages.setdefault(
            "any_event",
            {
                "name": "event",
                "title": "Any CloudEvent",
                "contentType": CONTENT_TYPE,
                "payload": {"type": "object", "required": ["specversion", "id", "source", "type"]},
            },
        )
        return "any_event"


def _envelope(event_type: EventType[Any], data: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": _SOME_TEXT,
            "source": {"const": f"/{event_type.service}"},
            "type": {"const": event_type.subject},
            "time": {"type": "string", "format": "date-time"},
            "dataschema": {"const": event_type.schema_uri},
            "datacontenttype": {"const": "application/json"},
            "subject": _TEXT,
            "partitionkey": _TEXT,
            "traceparent": _TEXT,
            "data": data,
        },
    }


def _servers(addresses: str) -> Iterable[tuple[str, dict[str, str]]]:
    for number, address in enumerate(addresses.split(","), 1):
        parts = urlsplit(address)
        if parts.netloc:
            yield f"nats{number}", {"host": parts.netloc, "protocol": "nats"}


def _identifier(subject: str) -> str:
    return "".join(
        char if char.isalnum() or char in "-_" else {"*": "any", ">": "rest"}.get(char, "_") for char in subject
    )
