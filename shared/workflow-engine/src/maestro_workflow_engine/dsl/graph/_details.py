"""What a task does, in a few words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from maestro_workflow_engine.dsl.validation._walk import list_of, mapping_items, member

_LIMIT = 60


def detail_of(task: Mapping[str, Any], kind: str | None) -> str:
    """Describe a task.

    Args:
        task: Its definition.
        kind: Its kind; None when it has none.

    Returns:
        One line; empty when the kind says it all.
    """
    text = _DETAILS[kind](task) if kind is not None and kind in _DETAILS else ""
    condition = f"if {task['if']}" if "if" in task else ""
    return " · ".join(short(part) for part in (condition, text) if part)


def schedule_of(document: Any) -> str:
    """Describe when a workflow starts by itself; empty when it does not."""
    schedule = member(document, "schedule")
    parts = [f"{key} {plain(value)}" for key, value in mapping_items(schedule) if key in {"every", "cron", "after"}]
    events = events_of(member(schedule, "on"))
    return short(", ".join([*parts, f"on {events}"] if events else parts))


def events_of(strategy: Any) -> str:
    """Describe the events of a consumption strategy, such as "any of a.b, c.d until e.f"."""
    until = member(strategy, "until")
    ending = f" until {until if isinstance(until, str) else events_of(until)}" if until else ""
    one = member(strategy, "one")
    if one is not None:
        return _filter(one) + ending
    for key in ("all", "any"):
        filters = member(strategy, key)
        if filters is not None:
            names = ", ".join(_filter(item) for item in list_of(filters))
            return (f"{key} of {names}" if names else f"{key} event") + ending
    return ""


def errors_of(catch: Any) -> str:
    """Describe what a `catch` catches."""
    wanted = mapping_items(member(member(catch, "errors"), "with"))
    members = [f"{key} {str(value).rpartition('/')[2] if key == 'type' else value}" for key, value in wanted]
    when = member(catch, "when")
    return short(", ".join([*members, *([f"when {when}"] if when else [])]) or "any error")


def short(text: str) -> str:
    """Cut a text to one line of a reasonable length."""
    line = " ".join(text.split())
    return line if len(line) <= _LIMIT else f"{line[: _LIMIT - 1]}…"


def plain(value: Any) -> str:
    """Return a value as text: durations as their units, everything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and value and all(type(amount) is int for amount in value.values()):
        return " ".join(f"{amount} {unit}" for unit, amount in value.items())
    return json.dumps(value, ensure_ascii=False)


def _filter(event: Any) -> str:
    wanted = member(event, "with")
    return str(member(wanted, "type") or member(wanted, "source") or "event")


def _call(task: Mapping[str, Any]) -> str:
    called, arguments = str(task["call"]), member(task, "with")
    if called == "http":
        endpoint = member(arguments, "endpoint")
        address = member(endpoint, "uri") if isinstance(endpoint, dict) else endpoint
        return f"{str(member(arguments, 'method')).upper()} {address}"
    operation = member(arguments, "operationId") or member(arguments, "operation") or member(arguments, "method")
    service = member(member(arguments, "service"), "name")
    protocols = {"openapi", "asyncapi", "grpc", "a2a", "mcp"}
    parts = [called, service, operation or member(arguments, "channel")] if called in protocols else [called]
    return " ".join(str(part) for part in parts if part)


def _for(task: Mapping[str, Any]) -> str:
    loop = member(task, "for")
    condition = f" while {task['while']}" if "while" in task else ""
    return f"each {member(loop, 'each') or 'item'} in {plain(member(loop, 'in'))}{condition}"


def _run(task: Mapping[str, Any]) -> str:
    run = task["run"]
    details: Mapping[str, Callable[[Any], Any]] = {
        "container": lambda part: member(part, "image"),
        "script": lambda part: member(part, "language"),
        "shell": lambda part: member(part, "command"),
        "workflow": lambda part: f"{member(part, 'namespace')}/{member(part, 'name')}:{member(part, 'version')}",
    }
    found = [f"{kind} {details[kind](part)}" for kind, part in mapping_items(run) if kind in details]
    return " ".join([*found, *(["(not awaited)"] if member(run, "await") is False else [])])


def _raise(task: Mapping[str, Any]) -> str:
    error = member(task["raise"], "error")
    if isinstance(error, str):
        return error
    return f"{str(member(error, 'type')).rpartition('/')[2]} ({member(error, 'status')})"


def _set(task: Mapping[str, Any]) -> str:
    data = task["set"]
    return ", ".join(map(str, data)) if isinstance(data, dict) else str(data)


def _emit(task: Mapping[str, Any]) -> str:
    return str(member(member(member(task["emit"], "event"), "with"), "type") or "")


_DETAILS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "call": _call,
    "emit": _emit,
    "for": _for,
    "fork": lambda task: "the first wins" if member(task["fork"], "compete") else "all",
    "listen": lambda task: events_of(member(task["listen"], "to")),
    "raise": _raise,
    "run": _run,
    "set": _set,
    "wait": lambda task: plain(task["wait"]),
}
