"""Tasks of every kind, and lists of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maestro_workflow_engine.dsl._faults import suggest
from maestro_workflow_engine.dsl.validation import _events, _runs, _values
from maestro_workflow_engine.dsl.validation._calls import arguments
from maestro_workflow_engine.dsl.validation._errors import error, error_filter, retry_policy
from maestro_workflow_engine.dsl.validation._rules import (
    Check,
    Findings,
    Where,
    boolean,
    by_type,
    list_of,
    mapping,
    named_list,
    record,
    text,
)
from maestro_workflow_engine.dsl.validation._values import data_in, data_out, duration, export, timeout

COMMON: Mapping[str, Check] = {
    "if": text,
    "input": data_in,
    "output": data_out,
    "export": export,
    "timeout": timeout,
    "then": text,
    "metadata": mapping,
}
"""The fields that every task may have."""


def task(value: Any, where: Where, findings: Findings) -> None:
    """Accept a task of any kind."""
    if type(value) is not dict:
        findings.wrong_type(where, "a mapping that describes a task", value)
        return
    kind = kind_of_task(value)
    if kind is not None:
        _KINDS[kind](value, where, findings)
        return
    words = (key for key in value if key not in COMMON)
    hint = next((hint for hint in (suggest(str(word), KINDS) for word in words) if hint), None)
    findings.fault(where, "no-kind", f"says not what to do; a task has one of {', '.join(KINDS)}", hint)
    record("a task", {**COMMON, **dict.fromkeys(value, _skip)})(value, where, findings)


def kind_of_task(definition: Mapping[str, Any]) -> str | None:
    """Return the word that makes a task's kind, such as "call"; None when there is none."""
    if "for" in definition and "do" in definition:
        return "for"
    return next((key for key in definition if key in KINDS), None)


def _skip(value: Any, where: Where, findings: Findings) -> None:
    """Leave a field alone whose task is not known."""


task_list = named_list(task, "a task")

_ITERATOR = record("'foreach'", {"item": text, "at": text, "do": task_list, "output": data_out, "export": export})
_ARGUMENTS = arguments(_ITERATOR)


def _kind(kind: str, fields: Mapping[str, Check], required: tuple[str, ...] = ()) -> Check:
    article = "an" if kind[0] in "aeiou" else "a"
    return record(f"{article} '{kind}' task", {**COMMON, **fields}, required)


_CALLS = {word: _kind("call", {"call": text, "with": check}, ("with",)) for word, check in _ARGUMENTS.items()}
_CALL_FUNCTION = _kind("call", {"call": text, "with": mapping})


def _call(value: Any, where: Where, findings: Findings) -> None:
    called = value["call"]
    (_CALLS.get(called, _CALL_FUNCTION) if type(called) is str else _CALL_FUNCTION)(value, where, findings)


def _set(value: Any, where: Where, findings: Findings) -> None:
    _values.filled_mapping_or_text("'set'")(value, where, findings)


_CATCH = record(
    "'catch'",
    {
        "errors": record("'errors'", {"with": error_filter}, closed=False),
        "as": text,
        "when": text,
        "exceptWhen": text,
        "retry": by_type(text, retry_policy),
        "do": task_list,
        "then": text,
    },
)
_CASE = record("a case", {"when": text, "then": text}, ("then",))
_FOR = record("'for'", {"each": text, "in": by_type(text, list_of(mapping)), "at": text}, ("in",))
_FORK = record("'fork'", {"branches": task_list, "compete": boolean}, ("branches",))
_LISTEN = record("'listen'", {"to": _events.strategy, "read": _events.read_as}, ("to",))
_RAISE = record("'raise'", {"error": by_type(text, error)}, ("error",))

_KINDS: Mapping[str, Check] = {
    "call": _call,
    "do": _kind("do", {"do": task_list}),
    "emit": _kind("emit", {"emit": _events.emitted}),
    "for": _kind("for", {"for": _FOR, "while": text, "do": task_list}, ("do",)),
    "fork": _kind("fork", {"fork": _FORK}),
    "listen": _kind("listen", {"listen": _LISTEN, "foreach": _ITERATOR}),
    "raise": _kind("raise", {"raise": _RAISE}),
    "run": _kind("run", {"run": _runs.run}),
    "set": _kind("set", {"set": _set}),
    "switch": _kind("switch", {"switch": named_list(_CASE, "a case", at_least=1)}),
    "try": _kind("try", {"try": task_list, "catch": _CATCH}, ("catch",)),
    "wait": _kind("wait", {"wait": duration}),
}

KINDS = tuple(_KINDS)
"""The words that make a task's kind."""
