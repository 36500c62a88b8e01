"""Every list of tasks of a document, however faulty the document is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from maestro_workflow_engine.dsl.validation._rules import Where
from maestro_workflow_engine.dsl.validation._tasks import kind_of_task


class Entry(NamedTuple):
    """One task of a list."""

    name: str
    definition: Mapping[str, Any]
    where: Where


@dataclass(frozen=True)
class Block:
    """Tasks that stand in one list."""

    entries: tuple[Entry, ...]
    variables: frozenset[str]
    """The variables that the tasks around it bind."""
    owner: Where = None
    """The task it is a part of; None for the list of the workflow itself, and for those under `use`."""
    role: str = "do"
    """What it is for its owner: "do", "branches", "try", "catch", "foreach", "function", "before" or "after"."""

    @property
    def concurrent(self) -> bool:
        """Whether its tasks run at the same time."""
        return self.role == "branches"


def blocks_of(document: Any) -> Iterator[Block]:
    """Yield every list of tasks: outer ones before inner ones, in the order of the document.

    Args:
        document: The document as plain values; parts that are not what they should be are passed over.
    """
    use = member(document, "use")
    for name, function in mapping_items(member(use, "functions")):
        where = (((None, "use"), "functions"), name)
        if isinstance(function, dict):
            yield from _nested(Block((Entry(name, function, where),), frozenset(), None, "function"))
    for index, extension in enumerate(list_of(member(use, "extensions"))):
        for name, definition in mapping_items(extension):
            here = ((((None, "use"), "extensions"), index), name)
            for role in ("before", "after"):
                yield from _block(member(definition, role), (here, role), frozenset(), None, role)
    yield from _block(member(document, "do"), (None, "do"), frozenset(), None, "do")


def inner_blocks(entry: Entry, variables: frozenset[str]) -> Iterator[Block]:
    """Yield the lists that a task holds itself, not those further in."""
    task, where, kind = entry.definition, entry.where, kind_of_task(entry.definition)

    def block(value: Any, at: Where, bound: frozenset[str], role: str) -> Iterator[Block]:
        if isinstance(value, list):
            yield Block(tuple(_entries(value, at)), variables | bound, where, role)

    if kind == "do":
        yield from block(task["do"], (where, "do"), frozenset(), "do")
    elif kind == "for":
        yield from block(member(task, "do"), (where, "do"), loop_variables(task), "do")
    elif kind == "fork":
        branches = member(task["fork"], "branches")
        yield from block(branches, ((where, "fork"), "branches"), frozenset(), "branches")
    elif kind == "try":
        catch = member(task, "catch")
        yield from block(task["try"], (where, "try"), frozenset(), "try")
        yield from block(member(catch, "do"), ((where, "catch"), "do"), caught_variables(task), "catch")
    elif kind in {"listen", "call"}:
        iterator, at = iterator_of(task, where)
        yield from block(member(iterator, "do"), (at, "do"), item_variables(iterator), "foreach")


def iterator_of(task: Mapping[str, Any], where: Where) -> tuple[Any, Where]:
    """Return the `foreach` of a `listen` or of a subscription, and where it stands; None when there is none."""
    if "listen" in task:
        return member(task, "foreach"), (where, "foreach")
    subscription = member(member(task, "with"), "subscription") if member(task, "call") == "asyncapi" else None
    return member(subscription, "foreach"), (((where, "with"), "subscription"), "foreach")


def loop_variables(task: Mapping[str, Any]) -> frozenset[str]:
    """Return the variables that a `for` binds."""
    loop = member(task, "for")
    return frozenset({_word(member(loop, "each"), "item"), _word(member(loop, "at"), "index")})


def caught_variables(task: Mapping[str, Any]) -> frozenset[str]:
    """Return the variable that a `catch` binds."""
    return frozenset({_word(member(member(task, "catch"), "as"), "error")})


def item_variables(iterator: Any) -> frozenset[str]:
    """Return the variables that a `foreach` binds."""
    return frozenset({_word(member(iterator, "item"), "item"), _word(member(iterator, "at"), "index")})


def member(value: Any, key: str) -> Any:
    """Return a member of a mapping; None when there is none, or when the value is no mapping."""
    return value.get(key) if isinstance(value, dict) else None


def mapping_items(value: Any) -> list[tuple[str, Any]]:
    """Return the members of a mapping; none when it is no mapping."""
    return list(value.items()) if isinstance(value, dict) else []


def list_of(value: Any) -> list[Any]:
    """Return the items of a list; none when it is no list."""
    return value if isinstance(value, list) else []


def _block(value: Any, where: Where, variables: frozenset[str], owner: Where, role: str) -> Iterator[Block]:
    if isinstance(value, list):
        yield from _nested(Block(tuple(_entries(value, where)), variables, owner, role))


def _nested(block: Block) -> Iterator[Block]:
    yield block
    for entry in block.entries:
        for inner in inner_blocks(entry, block.variables):
            yield from _nested(inner)


def _entries(tasks: list[Any], where: Where) -> Iterator[Entry]:
    for index, item in enumerate(tasks):
        for name, definition in mapping_items(item):
            if isinstance(definition, dict):
                yield Entry(name, definition, ((where, index), name))


def _word(value: Any, default: str) -> str:
    return value if isinstance(value, str) else default
