"""What `run` runs: a container, a script, a shell command or a workflow."""

from __future__ import annotations

from typing import Any

from maestro_workflow_engine.dsl._identity import WITH_NAMED_ARGUMENTS
from maestro_workflow_engine.dsl.validation._rules import (
    Findings,
    Where,
    boolean,
    choice,
    list_of,
    mapping,
    record,
    text,
)
from maestro_workflow_engine.dsl.validation._values import duration, resource

_LIFETIME = record(
    "a container's lifetime", {"cleanup": choice("always", "never", "eventually"), "after": duration}, ("cleanup",)
)


def _lifetime(value: Any, where: Where, findings: Findings) -> None:
    """Accept a lifetime: `after` belongs to the cleanup `eventually`, and it needs it."""
    _LIFETIME(value, where, findings)
    if type(value) is not dict or "cleanup" not in value:
        return
    if value["cleanup"] == "eventually" and "after" not in value:
        findings.fault(where, "missing-field", "'after' is missing: when is 'eventually'?")
    elif value["cleanup"] != "eventually" and "after" in value:
        findings.fault((where, "after"), "unknown-field", "'after' belongs to the cleanup 'eventually'")


_CONTAINER = record(
    "a container",
    {
        "image": text,
        "name": text,
        "command": text,
        "ports": mapping,
        "volumes": mapping,
        "environment": mapping,
        "stdin": text,
        "arguments": list_of(text),
        "lifetime": _lifetime,
        "pullPolicy": choice("ifNotPresent", "always", "never"),
    },
    ("image",),
)

_LIST_OF_TEXT = list_of(text)


def _arguments(value: Any, where: Where, findings: Findings) -> None:
    """Accept the arguments of a process; before DSL 1.0.3 they had names."""
    if type(value) is not dict or findings.dsl not in WITH_NAMED_ARGUMENTS:
        _LIST_OF_TEXT(value, where, findings)


_SCRIPT = record(
    "a script",
    {
        "language": text,
        "stdin": text,
        "arguments": _arguments,
        "environment": mapping,
        "code": text,
        "source": resource,
    },
    ("language",),
    exactly_one=[("code", "source")],
)

_SHELL = record(
    "a shell command",
    {"command": text, "stdin": text, "arguments": _arguments, "environment": mapping},
    ("command",),
)

_WORKFLOW = record(
    "a workflow to run",
    {"namespace": text, "name": text, "version": text, "input": mapping},
    ("namespace", "name", "version"),
)

KINDS = {"container": _CONTAINER, "script": _SCRIPT, "shell": _SHELL, "workflow": _WORKFLOW}

run = record(
    "'run'",
    {"await": boolean, "return": choice("stdout", "stderr", "code", "all", "none"), **KINDS},
    exactly_one=[tuple(KINDS)],
)
