"""`call: asyncapi`: publishing a message, or consuming those of a subscription one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from maestro_workflow_engine.dsl._durations import Duration, parse_duration
from maestro_workflow_engine.dsl._endpoints import parse_authentication, parse_resource
from maestro_workflow_engine.dsl._expressions import Expression, enclosed, parse_expression
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._model import Outcome, Parser
from maestro_workflow_engine.dsl._node import Node, kind_of
from maestro_workflow_engine.dsl._scan import scan
from maestro_workflow_engine.dsl._template import Template, parse_template
from maestro_workflow_engine.dsl.tasks._call_protocol import CallProtocol, arguments_of, perform
from maestro_workflow_engine.dsl.tasks._iteration import EACH_AS_IT_IS, Iteration, parse_iteration

PROTOCOLS = (
    "amqp", "amqp1", "anypointmq", "googlepubsub", "http", "ibmmq", "jms", "kafka", "mercure", "mqtt", "mqtt5", "nats", "pulsar",
    "redis", "sns", "solace", "sqs", "stomp", "ws",
)  # fmt: skip
_ARGUMENTS = ("document", "channel", "operation", "server", "protocol", "message", "subscription", "authentication")
_STAND_IN = {"document": {"endpoint": "http://"}, "operation": "", "message": {}}


@dataclass(frozen=True)
class Lifetime:
    """How long messages are consumed."""

    amount: int | None = None
    duration: Duration | None = None
    condition: Expression | None = None
    """`while`: asked after each message, which `.` stands for."""
    until: Expression | None = None
    """Asked before each message; `.` stands for the one before it, null at first."""


@dataclass(frozen=True)
class Subscribe:
    """The subscription."""

    arguments: Template
    filter: Expression | None
    lifetime: Lifetime
    each: Iteration

    async def run(self, frame: Frame) -> Outcome:
        """Consume messages; the output is the list of them, each as `foreach` leaves it.

        Every message is taken by a step of its own, so that it is in the history before anything is done with it, and what
        `foreach` does is durable as everywhere else.
        """
        host, life = frame.shared.host, self.lifetime
        started = host.now()
        limit = None if life.duration is None else await frame.duration_of(life.duration, frame.input)
        key = f"{host.run_id}{frame.reference}@{started.isoformat()}"
        outputs: list[Any] = []
        last: Any = None
        while life.amount is None or len(outputs) < life.amount:
            if life.until is not None and await frame.is_met(life.until, last):
                break
            left = None if limit is None else limit - (host.now() - started)
            if left is not None and left <= timedelta(0):
                break
            taking = self._taking(frame, key, left, is_last=life.amount == len(outputs) + 1)
            last = await perform(frame, "asyncapi", self.arguments, take=taking)
            if last is None:
                return Outcome(outputs)
            outputs.append(await self.each.run(frame, last, len(outputs)))
            if life.condition is not None and not await frame.is_met(life.condition, last):
                break
            await frame.shared.go_back()
        if outputs and len(outputs) != life.amount:
            await perform(frame, "asyncapi", self.arguments, take={"key": key, "close": True})
        return Outcome(outputs)

    def _taking(self, frame: Frame, key: str, left: timedelta | None, *, is_last: bool) -> dict[str, Any]:
        taking: dict[str, Any] = {"key": key}
        if self.filter is not None:
            taking |= {"filter": self.filter.text, "variables": frame.named(scan(self.filter.text).variables)}
        if left is not None:
            taking["within_s"] = left.total_seconds()
        return {**taking, "last": True} if is_last else taking


def parse(node: Node, arguments: Node | None, parser: Parser, scope: frozenset[str]) -> CallProtocol | Subscribe:
    """Read the arguments; see `_call_http.parse`."""
    arguments = arguments_of(node, arguments, _STAND_IN)
    fields = arguments.fields(_ARGUMENTS, ("document",), what="'call: asyncapi'")
    _check_choices(arguments, fields)
    values: dict[str, Any] = {}
    if "document" in fields:
        values["document"] = parse_resource(fields["document"], scope, parser.use)
    for name in ("channel", "operation"):
        if name in fields:
            fields[name].text()
            values[name] = parse_template(fields[name], scope).value
    if "protocol" in fields:
        values["protocol"] = fields["protocol"].choice(PROTOCOLS)
    if "server" in fields:
        server = fields["server"].fields(("name", "variables"), ("name",), what="an AsyncAPI server")
        if "name" in server:
            server["name"].text()
        if "variables" in server:
            _mapping(server["variables"])
        values["server"] = parse_template(fields["server"], scope).value
    if "authentication" in fields:
        values |= parse_authentication(fields["authentication"], scope, parser.use)
    if "message" in fields:
        for field in fields["message"].fields(("payload", "headers"), what="a message").values():
            _mapping(field)
        values["message"] = parse_template(fields["message"], scope).value
    if "subscription" not in fields:
        return CallProtocol("asyncapi", Template(values))
    return _parse_subscription(fields["subscription"], Template(values), parser, scope - {"secrets", "authorization"})


def _check_choices(arguments: Node, fields: Mapping[str, Node]) -> None:
    if not isinstance(arguments.value, dict):
        return
    for left, right in (("operation", "channel"), ("message", "subscription")):
        if (left in fields) == (right in fields):
            arguments.fault(f"must hold either {left!r} or {right!r}")


def _parse_subscription(node: Node, arguments: Template, parser: Parser, scope: frozenset[str]) -> Subscribe:
    fields = node.fields(("filter", "consume", "foreach"), ("consume",), what="a subscription")
    return Subscribe(
        arguments,
        _parse_enclosed(fields["filter"], scope) if "filter" in fields else None,
        _parse_lifetime(fields["consume"], scope) if "consume" in fields else Lifetime(),
        parse_iteration(fields["foreach"], parser, scope) if "foreach" in fields else EACH_AS_IT_IS,
    )


def _parse_lifetime(node: Node, scope: frozenset[str]) -> Lifetime:
    fields = node.fields(("amount", "for", "while", "until"), what="'consume'")
    if isinstance(node.value, dict) and len({"amount", "while", "until"} & set(fields)) != 1:
        node.fault("must hold exactly one of amount, while, until")
    return Lifetime(
        amount=fields["amount"].integer() if "amount" in fields else None,
        duration=parse_duration(fields["for"], scope) if "for" in fields else None,
        condition=_parse_enclosed(fields["while"], scope) if "while" in fields else None,
        until=_parse_enclosed(fields["until"], scope) if "until" in fields else None,
    )


def _parse_enclosed(node: Node, scope: frozenset[str]) -> Expression:
    if isinstance(node.value, str) and enclosed(node.value) is None:
        node.fault("must be an expression in ${ }")
    return parse_expression(node, scope)


def _mapping(node: Node) -> None:
    if not isinstance(node.value, dict):
        node.fault(f"must be a mapping, not {kind_of(node.value)}")
