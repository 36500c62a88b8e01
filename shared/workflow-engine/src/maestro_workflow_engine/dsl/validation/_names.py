"""Names that refer to something under `use`, and names of variables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from maestro_workflow_engine.dsl._expressions import ARGUMENTS
from maestro_workflow_engine.dsl._faults import suggest
from maestro_workflow_engine.dsl.validation._authentication import SCHEMES
from maestro_workflow_engine.dsl.validation._rules import Findings, Where
from maestro_workflow_engine.dsl.validation._tasks import kind_of_task
from maestro_workflow_engine.dsl.validation._walk import Entry, iterator_of, list_of, mapping_items, member

_CATALOGED = re.compile(r"[^:@/]+:[^:@/]+@(?P<catalog>[^:@/]+)")
"""A function of a catalog: name, version, and the catalog's name."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class UseNames:
    """What a document defines under `use`, by kind."""

    def __init__(self, document: Any) -> None:
        use = member(document, "use")
        self._known = {
            kind: [name for name, _ in mapping_items(member(use, kind))]
            for kind in ("authentications", "catalogs", "errors", "retries", "timeouts")
        }
        self._known["catalogs"].append("default")  # the runtime's own, which no document needs to define
        self._known["secrets"] = [name for name in list_of(member(use, "secrets")) if isinstance(name, str)]

    def check(self, kind: str, what: str, name: Any, where: Where, findings: Findings) -> None:
        """Check that a name is defined; anything but text is a matter of structure."""
        known = self._known[kind]
        if isinstance(name, str) and name not in known:
            message = f"no {what} named {name!r} under /use/{kind}"
            findings.fault(where, "unknown-name", message, suggest(name, known))


def check_names(entry: Entry, names: UseNames, findings: Findings) -> None:
    """Check the names that one task refers to, and those that it gives to variables."""
    task, where = entry.definition, entry.where
    names.check("timeouts", "timeout", member(task, "timeout"), (where, "timeout"), findings)
    names.check("errors", "error", member(member(task, "raise"), "error"), ((where, "raise"), "error"), findings)
    catch = member(task, "catch")
    names.check("retries", "retry policy", member(catch, "retry"), ((where, "catch"), "retry"), findings)
    for variable, at in _variables(task, where):
        _check_variable(variable, at, findings)
    if "call" in task:
        cataloged = _CATALOGED.fullmatch(task["call"]) if isinstance(task["call"], str) else None
        if cataloged is not None:
            names.check("catalogs", "catalog", cataloged["catalog"], (where, "call"), findings)
        check_authentications(member(task, "with"), (where, "with"), names, findings)


def check_document_names(document: Any, names: UseNames, findings: Findings) -> None:
    """Check the names that stand outside of tasks."""
    names.check("timeouts", "timeout", member(document, "timeout"), (None, "timeout"), findings)
    use = member(document, "use")
    for name, policy in mapping_items(member(use, "authentications")):
        _check_secrets(policy, (((None, "use"), "authentications"), name), names, findings)
    check_authentications(member(use, "catalogs"), ((None, "use"), "catalogs"), names, findings)


def check_authentications(value: Any, where: Where, names: UseNames, findings: Findings) -> None:
    """Check every `authentication` in a call's arguments; data that is sent may hold anything and is passed over."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            check_authentications(item, (where, index), names, findings)
    for key, item in mapping_items(value):
        at = (where, key)
        if key == "authentication":
            names.check("authentications", "authentication", member(item, "use"), (at, "use"), findings)
            _check_secrets(item, at, names, findings)
        elif key not in {"body", "query", "headers", "parameters", "arguments", "message", "foreach"}:
            check_authentications(item, at, names, findings)


def _check_secrets(policy: Any, where: Where, names: UseNames, findings: Findings) -> None:
    for scheme in SCHEMES:
        use = member(member(policy, scheme), "use")
        names.check("secrets", "secret", use, ((where, scheme), "use"), findings)


def _variables(task: Any, where: Where) -> Iterator[tuple[Any, Where]]:
    kind = kind_of_task(task)
    if kind == "for":
        loop = member(task, "for")
        yield from ((member(loop, key), ((where, "for"), key)) for key in ("each", "at"))
    elif kind == "try":
        yield member(member(task, "catch"), "as"), ((where, "catch"), "as")
    elif kind in {"listen", "call"}:
        iterator, at = iterator_of(task, where)
        yield from ((member(iterator, key), (at, key)) for key in ("item", "at"))


def _check_variable(name: Any, where: Where, findings: Findings) -> None:
    if not isinstance(name, str):
        return
    if name in ARGUMENTS:
        message = f"would hide the runtime argument ${name}; choose another name"
        findings.fault(where, "reserved-variable", message)
    elif not _VARIABLE.fullmatch(name):
        hint = f"did you mean {name[1:]!r}?" if name.startswith("$") else None
        message = f"{name!r} is no variable name: use letters, digits and '_'"
        findings.fault(where, "not-a-variable", message, hint)
