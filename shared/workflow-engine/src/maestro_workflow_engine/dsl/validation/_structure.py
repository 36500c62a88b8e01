"""The structure of a whole document."""

from __future__ import annotations

from typing import Any

from maestro_workflow_engine.dsl._identity import NAME, VERSION
from maestro_workflow_engine.dsl.validation._authentication import policy
from maestro_workflow_engine.dsl.validation._errors import error, retry_policy
from maestro_workflow_engine.dsl.validation._events import read_as, strategy
from maestro_workflow_engine.dsl.validation._rules import (
    Findings,
    Where,
    choice,
    list_of,
    mapping,
    mapping_of,
    named_list,
    record,
    text,
)
from maestro_workflow_engine.dsl.validation._tasks import task, task_list
from maestro_workflow_engine.dsl.validation._values import (
    catalog,
    data_in,
    data_out,
    duration,
    timeout,
    timeout_definition,
)


def _name(value: Any, where: Where, findings: Findings) -> None:
    text(value, where, findings)
    if type(value) is str and not NAME.fullmatch(value):
        message = f"{value!r} is no name: use up to 63 letters and digits, with '-' in between"
        findings.fault(where, "not-a-name", message)


def _version(value: Any, where: Where, findings: Findings) -> None:
    if type(value) is float:
        findings.fault(where, "wrong-type", f"must be text, not a number; write it as '{value:g}.0'")
        return
    text(value, where, findings)
    if type(value) is str and not VERSION.fullmatch(value):
        findings.fault(where, "not-a-version", f"{value!r} is no semantic version, such as 1.0.0")


_HEAD = record(
    "'document'",
    {
        "dsl": _version,
        "namespace": _name,
        "name": _name,
        "version": _version,
        "title": text,
        "summary": text,
        "tags": mapping,
        "metadata": mapping,
    },
    ("dsl", "namespace", "name", "version"),
)

_EXTENDED = ("call", "composite", "emit", "for", "listen", "raise", "run", "set", "switch", "try", "wait", "all")
_EXTENSION = record(
    "an extension",
    {"extend": choice(*_EXTENDED), "when": text, "before": task_list, "after": task_list},
    ("extend",),
)

_USE = record(
    "'use'",
    {
        "authentications": mapping_of(policy),
        "errors": mapping_of(error),
        "extensions": named_list(_EXTENSION, "an extension"),
        "functions": mapping_of(task),
        "retries": mapping_of(retry_policy),
        "secrets": list_of(text),
        "timeouts": mapping_of(timeout_definition),
        "catalogs": mapping_of(catalog),
    },
)

_SCHEDULE = record("a schedule", {"every": duration, "cron": text, "after": duration, "on": strategy, "read": read_as})


def _schedule(value: Any, where: Where, findings: Findings) -> None:
    _SCHEDULE(value, where, findings)
    if type(value) is dict and "read" in value and "on" not in value:
        findings.fault((where, "read"), "missing-field", "'read' tells how events are read, and there is no 'on'")


structure = record(
    "the document",
    {
        "document": _HEAD,
        "input": data_in,
        "use": _USE,
        "do": task_list,
        "timeout": timeout,
        "output": data_out,
        "schedule": _schedule,
        "evaluate": record("'evaluate'", {"language": text, "mode": choice("strict", "loose")}),
    },
    ("document", "do"),
)
"""Accept a document whose structure is that of the DSL's JSON Schema, whichever of its tasks can be run here."""
