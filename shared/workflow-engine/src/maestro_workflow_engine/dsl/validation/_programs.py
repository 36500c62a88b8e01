"""Where the expressions of a document are, and which variables each may use (DSL 1.0.3, "Runtime expression arguments")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from maestro_workflow_engine.dsl._expressions import (
    AFTER_TASK,
    BEFORE_TASK,
    IN_TASK,
    WORKFLOW_INPUT,
    WORKFLOW_OUTPUT,
    enclosed,
)
from maestro_workflow_engine.dsl.validation._rules import Where
from maestro_workflow_engine.dsl.validation._walk import (
    Entry,
    caught_variables,
    item_variables,
    iterator_of,
    list_of,
    loop_variables,
    mapping_items,
    member,
)

_SECRETS = frozenset({"secrets"})
"""The text once says that only `input.from` may use them; its table says that all may, and the table is followed."""


class FoundProgram(NamedTuple):
    """One expression."""

    program: str
    """The jq program, without `${ }`."""
    where: Where
    scope: frozenset[str]
    """The variables that it may use."""


def document_programs(document: Any) -> Iterator[FoundProgram]:
    """Yield the expressions outside of tasks."""
    first, last, task = WORKFLOW_INPUT | _SECRETS, WORKFLOW_OUTPUT | _SECRETS, IN_TASK | _SECRETS
    yield from _data(member(document, "input"), "from", (None, "input"), first)
    yield from _data(member(document, "output"), "as", (None, "output"), last)
    yield from _enclosed(member(document, "timeout"), (None, "timeout"), last)
    yield from _schedule(member(document, "schedule"), (None, "schedule"), first)
    use, where = member(document, "use"), (None, "use")
    for kind in ("authentications", "errors", "catalogs"):
        yield from _enclosed(member(use, kind), (where, kind), task)
    yield from _enclosed(member(use, "timeouts"), (where, "timeouts"), last)
    for name, policy in mapping_items(member(use, "retries")):
        yield from _retry(policy, ((where, "retries"), name), task | {"error"})
    for index, item in enumerate(list_of(member(use, "extensions"))):
        for name, extension in mapping_items(item):
            at = (((where, "extensions"), index), name)
            yield from _bare(member(extension, "when"), (at, "when"), task)


def task_programs(entry: Entry, variables: frozenset[str]) -> Iterator[FoundProgram]:
    """Yield the expressions of a task, without those of tasks inside it."""
    task, where = entry.definition, entry.where
    bound = variables | _SECRETS
    before, inside = BEFORE_TASK | bound, IN_TASK | bound
    for key, value in task.items():
        at = (where, key)
        if key == "if":
            yield from _bare(value, at, before)
        elif key == "input":
            yield from _data(value, "from", at, before)
        elif key == "output":
            yield from _data(value, "as", at, inside)
        elif key == "export":
            yield from _data(value, "as", at, AFTER_TASK | bound)
        elif key == "timeout":
            yield from _enclosed(value, at, before)
        elif key in _READERS:
            yield from _READERS[key](task, where, inside)
        elif key not in {"do", "try", "fork", "metadata", "then", "foreach"}:
            yield from _enclosed(value, at, inside)


def _switch(task: Mapping[str, Any], where: Where, scope: frozenset[str]) -> Iterator[FoundProgram]:
    for index, item in enumerate(list_of(task["switch"])):
        for name, case in mapping_items(item):
            at = (((where, "switch"), index), name)
            yield from _bare(member(case, "when"), (at, "when"), scope)


def _for(task: Mapping[str, Any], where: Where, scope: frozenset[str]) -> Iterator[FoundProgram]:
    items, at = member(task["for"], "in"), ((where, "for"), "in")
    yield from (_bare if isinstance(items, str) else _enclosed)(items, at, scope)


def _while(task: Mapping[str, Any], where: Where, scope: frozenset[str]) -> Iterator[FoundProgram]:
    yield from _bare(task["while"], (where, "while"), scope | loop_variables(task))


def _catch(task: Mapping[str, Any], where: Where, scope: frozenset[str]) -> Iterator[FoundProgram]:
    catch, at, inner = task["catch"], (where, "catch"), scope | caught_variables(task)
    for key in ("when", "exceptWhen"):
        yield from _bare(member(catch, key), (at, key), inner)
    yield from _retry(member(catch, "retry"), (at, "retry"), inner | {"error"})


def _listen(task: Mapping[str, Any], where: Where, scope: frozenset[str]) -> Iterator[FoundProgram]:
    yield from _strategy(member(task["listen"], "to"), ((where, "listen"), "to"), scope)
    yield from _iterator(task, where, scope)


def _arguments(task: Mapping[str, Any], where: Where, scope: frozenset[str]) -> Iterator[FoundProgram]:
    iterator, _ = iterator_of(task, where)
    if iterator is None:
        yield from _enclosed(task["with"], (where, "with"), scope)
        return
    for key, value in mapping_items(task["with"]):
        rest = {name: part for name, part in value.items() if name != "foreach"} if key == "subscription" else value
        yield from _enclosed(rest, ((where, "with"), key), scope)
    yield from _iterator(task, where, scope)


_READERS = {
    "switch": _switch,
    "for": _for,
    "while": _while,
    "catch": _catch,
    "listen": _listen,
    "with": _arguments,
}
"""Fields in which some text is an expression without `${ }`, or sees variables of its own."""


def _iterator(task: Mapping[str, Any], where: Where, scope: frozenset[str]) -> Iterator[FoundProgram]:
    iterator, at = iterator_of(task, where)
    inner = scope | item_variables(iterator)
    yield from _data(member(iterator, "output"), "as", (at, "output"), inner)
    yield from _data(member(iterator, "export"), "as", (at, "export"), inner | {"output"})


def _schedule(value: Any, where: Where, scope: frozenset[str]) -> Iterator[FoundProgram]:
    for key in ("every", "after"):
        yield from _enclosed(member(value, key), (where, key), scope)
    yield from _strategy(member(value, "on"), (where, "on"), scope)


def _strategy(value: Any, where: Where, scope: frozenset[str]) -> Iterator[FoundProgram]:
    for key in ("all", "any"):
        for index, item in enumerate(list_of(member(value, key))):
            yield from _filter(item, ((where, key), index), scope)
    yield from _filter(member(value, "one"), (where, "one"), scope)
    until, at = member(value, "until"), (where, "until")
    if isinstance(until, str):  # it is asked after each event, and sees what a `foreach` would
        yield from _bare(until, at, scope | {"item", "index"})
    elif until is not None:
        yield from _strategy(until, at, scope)


def _filter(value: Any, where: Where, scope: frozenset[str]) -> Iterator[FoundProgram]:
    yield from _enclosed(member(value, "with"), (where, "with"), scope)
    for name, correlation in mapping_items(member(value, "correlate")):
        at = ((where, "correlate"), name)
        yield from _bare(member(correlation, "from"), (at, "from"), scope)
        yield from _enclosed(member(correlation, "expect"), (at, "expect"), scope)


def _retry(value: Any, where: Where, scope: frozenset[str]) -> Iterator[FoundProgram]:
    for key, part in mapping_items(value):
        read = _bare if key in {"when", "exceptWhen"} else _enclosed
        yield from read(part, (where, key), scope)


def _data(value: Any, verb: str, where: Where, scope: frozenset[str]) -> Iterator[FoundProgram]:
    part = member(value, verb)
    yield from (_bare if isinstance(part, str) else _enclosed)(part, (where, verb), scope)


def _bare(value: Any, where: Where, scope: frozenset[str]) -> Iterator[FoundProgram]:
    """Yield text that always is an expression, `${ }` around it or not."""
    if isinstance(value, str):
        inner = enclosed(value)
        yield FoundProgram(value.strip() if inner is None else inner, where, scope)


def _enclosed(value: Any, where: Where, scope: frozenset[str]) -> Iterator[FoundProgram]:
    """Yield every text that is `${ … }` as a whole."""
    if type(value) is str:
        if "${" in value:
            inner = enclosed(value)
            if inner is not None:
                yield FoundProgram(inner, where, scope)
    elif type(value) is dict:
        for key, item in value.items():
            yield from _enclosed(item, (where, key), scope)
    elif type(value) is list:
        for index, item in enumerate(value):
            yield from _enclosed(item, (where, index), scope)
