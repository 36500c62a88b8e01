"""Which errors a `catch` is for, by their members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from maestro_workflow_engine.dsl._errors import ProblemDetails, same_type
from maestro_workflow_engine.dsl._node import Node

_MEMBERS = ("type", "status", "instance", "title", "detail")


@dataclass(frozen=True)
class ErrorFilter:
    """Members that an error must have; without any, every error matches."""

    members: Mapping[str, Any] = field(default_factory=dict)

    def matches(self, error: ProblemDetails) -> bool:
        """Tell whether an error has all of the members; a standard type matches under any of its addresses."""
        found = error.as_dict()
        return all(
            same_type(str(value), error.type) if name == "type" else found.get(name) == value
            for name, value in self.members.items()
        )


EVERY_ERROR = ErrorFilter()


def parse_error_filter(node: Node) -> ErrorFilter:
    """Read `errors`.

    Args:
        node: The field.

    Returns:
        The filter.
    """
    fields = node.fields(("with",), what="'errors'")
    if "with" not in fields:
        return EVERY_ERROR
    members = fields["with"].fields(_MEMBERS, what="an error filter")
    if fields["with"].value == {}:
        fields["with"].fault("names no member; leave 'errors' out to catch every error")
    for name, member in members.items():
        if name == "status":
            member.integer()
        else:
            member.text()
    return ErrorFilter({name: member.value for name, member in members.items()})
