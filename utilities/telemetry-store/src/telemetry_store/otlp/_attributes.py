"""Attributes as plain data."""

import base64
from collections.abc import Iterable
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

_MOST_NESTED: Final = 20


def attributes_of(pairs: Iterable[KeyValue], depth: int = 0) -> dict[str, Any]:
    """Read attributes.

    Args:
        pairs: As they were sent.
        depth: How deep they stand in others.

    Returns:
        Value by name, as JSON has it; bytes in base64.
    """
    return {pair.key: value_of(pair.value, depth) for pair in pairs}


def value_of(value: AnyValue, depth: int = 0) -> Any:
    """Read a value.

    Args:
        value: As it was sent.
        depth: How deep it stands in others.

    Returns:
        The value, as JSON has it; None when there is none, or when it is nested beyond any use.
    """
    kind = value.WhichOneof("value")
    if kind is None or depth > _MOST_NESTED:
        return None
    if kind == "array_value":
        return [value_of(item, depth + 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        return attributes_of(value.kvlist_value.values, depth + 1)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind)


def service_of(resource: dict[str, Any]) -> str:
    """Tell whose telemetry it is.

    Args:
        resource: The resource's attributes.
    """
    return str(resource.get("service.name") or "unknown")
