"""`emit`: an event to others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from maestro_workflow_engine._cloud_events import SPEC_VERSION, CloudEventError, cloud_event
from maestro_workflow_engine._errors import PayloadError, UnsupportedByRunnerError
from maestro_workflow_engine.dsl._event_filters import TEXTS, check_attribute_name, check_time
from maestro_workflow_engine.dsl._expressions import IN_TASK, enclosed
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import Outcome, Parser
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._template import Template, parse_template
from maestro_workflow_engine.dsl._time import describe_time
from maestro_workflow_engine.dsl._uri import UriError, UriTemplate, parse_uri_template

FIELDS = ("emit",)
REQUIRED = ("emit",)

_URIS = ("source", "dataschema")


@dataclass(frozen=True)
class Emit:
    """The event to publish."""

    attributes: Template
    uris: Mapping[str, UriTemplate] = field(default_factory=dict)
    """Attributes that are URI templates, by name."""

    async def run(self, frame: Frame) -> Outcome:
        """Publish the event; it is the output, with the attributes that were made up for it.

        Made up are an `id` (a UUID), the `source` (the workflow: "/namespace/name/version") and the `time`.
        """
        event = await self._event(frame)
        try:
            await frame.shared.host.emit(event)
        except UnsupportedByRunnerError as error:
            raise frame.error("configuration", str(error)) from error
        except PayloadError as error:
            raise frame.error("runtime", str(error)) from error
        return Outcome(event)

    async def _event(self, frame: Frame) -> dict[str, Any]:
        given: dict[str, Any] = await frame.filled(self.attributes, frame.input)
        try:
            given.update({name: uri.expand(frame.input) for name, uri in self.uris.items()})
        except UriError as error:
            raise frame.error("expression", str(error)) from error
        given = {name: _text(value) if name in TEXTS else value for name, value in given.items()}
        given = {name: value for name, value in given.items() if value is not None or name == "data"}
        made = {
            "specversion": SPEC_VERSION,
            "id": given.get("id") or frame.shared.host.new_id(),
            "source": given.get("source") or identity(frame.shared.workflow["definition"]),
            "type": given.get("type"),
            "time": given.get("time") or describe_time(frame.shared.host.now())["iso8601"],
        }
        try:
            return cloud_event({**made, **given})
        except CloudEventError as error:
            raise frame.error("validation", str(error)) from error


def identity(definition: Mapping[str, Any]) -> str:
    """Return the URI reference by which a workflow names itself as the source of events."""
    head = definition["document"]
    return f"/{head['namespace']}/{head['name']}/{head['version']}"


def parse(fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> Emit:
    """Read the task."""
    emit = fields["emit"].fields(("event",), ("event",), what="'emit'")
    event = emit.get("event")
    if event is None:
        return Emit(Template({}))
    if not isinstance(event.value, dict) or "with" not in event.value:
        event.fault("must be a mapping with the event's properties under 'with'")
        return Emit(Template({}))
    return _parse_event(event.child("with"), IN_TASK | scope)


def _parse_event(node: Node, scope: frozenset[str]) -> Emit:
    uris: dict[str, UriTemplate] = {}
    for name, value in node.entries():
        check_attribute_name(value, name)
        if name in TEXTS:
            value.text()
        if name == "time":
            check_time(value)
        if name in _URIS and isinstance(value.value, str) and enclosed(value.value) is None and "{" in value.value:
            uris[name] = parse_uri_template(value, value.value)
    if isinstance(node.value, dict):
        if "type" not in node.value:
            node.fault("'type' is missing")
        if node.value.get("specversion", SPEC_VERSION) != SPEC_VERSION:
            node.child("specversion").fault(f"must be {SPEC_VERSION!r}")
    return Emit(parse_template(node, scope), uris)


def _text(value: Any) -> Any:
    """Return a number or truth value as text: these attributes are text, and ids are often numbers in data."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value
