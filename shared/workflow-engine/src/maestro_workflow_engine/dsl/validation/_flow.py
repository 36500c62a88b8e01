"""Where tasks lead: targets that do not exist, names that are not clear, tasks that are never reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from maestro_workflow_engine.dsl._faults import suggest
from maestro_workflow_engine.dsl._model import CONTINUE, END, EXIT
from maestro_workflow_engine.dsl.validation._rules import Findings, Where, path_of
from maestro_workflow_engine.dsl.validation._tasks import kind_of_task
from maestro_workflow_engine.dsl.validation._walk import Block, Entry, list_of, mapping_items, member

DIRECTIVES = (CONTINUE, EXIT, END)


def check_flow(block: Block, findings: Findings) -> None:
    """Check the directives of one list of tasks.

    Args:
        block: The list.
        findings: Takes what is noticed.
    """
    first: dict[str, Entry] = {}
    twice: set[str] = set()
    for entry in block.entries:
        if entry.name in first:
            twice.add(entry.name)
            message = f"another task of this list is named {entry.name!r}: {path_of(first[entry.name].where)}"
            findings.warn(entry.where, "duplicate-name", message)
        first.setdefault(entry.name, entry)
    for entry in block.entries:
        for target, where in directives(entry):
            if target not in DIRECTIVES:
                _check_target(target, where, block, first, twice, findings)
    if not block.concurrent:
        for entry in _unreached(block):
            findings.warn(entry.where, "unreachable", f"task {entry.name!r} never runs: nothing leads to it")


def directives(entry: Entry) -> Iterator[tuple[str, Where]]:
    """Yield where a task can lead when it has run, and where that is said."""
    task, where = entry.definition, entry.where
    yield from _said(member(task, "then"), (where, "then"))
    for index, item in enumerate(list_of(member(task, "switch"))):
        for name, case in mapping_items(item):
            at = ((where, "switch"), index)
            yield from _said(member(case, "then"), ((at, name), "then"))
    yield from _said(member(member(task, "catch"), "then"), ((where, "catch"), "then"))


def leads_on(entry: Entry) -> Iterator[str]:
    """Yield every directive that can decide what follows a task, the implicit `continue` included."""
    task, kind = entry.definition, kind_of_task(entry.definition)
    own = member(task, "then") or CONTINUE
    if "if" in task:
        yield CONTINUE  # a skipped task's `then` does not apply
    if kind == "switch":
        cases = [case for item in list_of(task["switch"]) for _, case in mapping_items(item)]
        yield from (str(member(case, "then") or own) for case in cases)
        if all(member(case, "when") is not None for case in cases):
            yield str(own)
    elif kind != "raise":
        yield str(own)
        yield from (str(target) for target in [member(member(task, "catch"), "then")] if target)


def _said(value: Any, where: Where) -> Iterator[tuple[str, Where]]:
    if isinstance(value, str):
        yield value, where


def _check_target(
    target: str, where: Where, block: Block, names: dict[str, Entry], twice: set[str], findings: Findings
) -> None:
    if block.concurrent:
        findings.fault(
            where, "branch-target", f"leads to {target!r}, but branches run at the same time: none leads to another"
        )
    elif target not in names:
        hint = suggest(target, [*names, *DIRECTIVES])
        findings.fault(where, "unknown-target", f"no task named {target!r} in the same list of tasks", hint)
    elif target in twice:
        message = f"several tasks of this list are named {target!r}; it is not clear which one is meant"
        findings.fault(where, "unclear-target", message)


def _unreached(block: Block) -> Iterator[Entry]:
    positions = {entry.name: position for position, entry in reversed(list(enumerate(block.entries)))}
    reached: set[int] = set()
    ahead = [0] if block.entries else []
    while ahead:
        position = ahead.pop()
        if position in reached or position >= len(block.entries):
            continue
        reached.add(position)
        for target in leads_on(block.entries[position]):
            if target == CONTINUE:
                ahead.append(position + 1)
            elif target in positions:
                ahead.append(positions[target])
    return (entry for position, entry in enumerate(block.entries) if position not in reached)
