"""A cursor over a document's values: typed reading that notes faults and goes on, so that all are listed at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from maestro_workflow_engine.dsl._faults import Fault, suggest
from maestro_workflow_engine.dsl._source import Places, pointer


@dataclass
class FaultLog:
    """Where the faults of one document gather."""

    places: Places
    faults: list[Fault] = field(default_factory=list)
    dsl: str = ""
    """The version of the DSL that the document says it is written in; empty until that is read."""
    is_loose: bool = False
    """Whether text without `${ }` may be an expression as well (`evaluate.mode: loose`)."""

    def add(self, path: str, message: str, hint: str | None = None) -> None:
        """Note a fault, at the nearest place that the text knows."""
        line, column = self.place(path)
        self.faults.append(Fault(path, message, line, column, hint))

    def place(self, path: str) -> tuple[int | None, int | None]:
        """Return line and column of a value, or of the nearest one around it."""
        while path not in self.places:
            if not path:
                return None, None
            path = path.rpartition("/")[0]
        return self.places[path]


@dataclass(frozen=True)
class Node:
    """One value of a document, and where it is."""

    value: Any
    path: str
    log: FaultLog

    def fault(self, message: str, hint: str | None = None) -> None:
        """Note a fault at this value."""
        self.log.add(self.path, message, hint)

    def unsupported(self, what: str) -> None:
        """Note that the document is right, and that the engine cannot run this part yet."""
        self.fault(f"not supported yet: {what}")

    def child(self, key: str | int) -> Node:
        """Return the value under a key or index that is known to exist."""
        return Node(self.value[key], pointer(self.path, key), self.log)

    def fields(self, known: Iterable[str], required: Collection[str] = (), *, what: str = "") -> dict[str, Node]:
        """Read a mapping with known keys.

        Args:
            known: The keys that may appear, the required ones included.
            required: The keys that must.
            what: What the mapping is, for messages, such as "a retry policy".

        Returns:
            The known keys that are there; unknown and missing ones are noted as faults.
        """
        if not isinstance(self.value, dict):
            self.fault(f"must be a mapping, not {kind_of(self.value)}")
            return {}
        known = list(known)
        for key in self.value:
            if key not in known:
                inside = f" in {what}" if what else ""
                self.child(key).fault(f"unknown field {key!r}{inside}", suggest(key, known))
        for key in required:
            if key not in self.value:
                self.fault(f"{key!r} is missing")
        return {key: self.child(key) for key in self.value if key in known}

    def entries(self) -> Iterator[tuple[str, Node]]:
        """Read a mapping with free keys."""
        if not isinstance(self.value, dict):
            self.fault(f"must be a mapping, not {kind_of(self.value)}")
            return
        for key in self.value:
            yield key, self.child(key)

    def items(self) -> Iterator[Node]:
        """Read a list."""
        if not isinstance(self.value, list):
            self.fault(f"must be a list, not {kind_of(self.value)}")
            return
        for index in range(len(self.value)):
            yield self.child(index)

    def named_items(self, what: str) -> Iterator[tuple[str, Node]]:
        """Read a list of mappings with one key each, the key being a name."""
        for item in self.items():
            if not isinstance(item.value, dict):
                item.fault(f"must be a mapping of one name to {what}, not {kind_of(item.value)}")
            elif len(item.value) != 1:
                names = ", ".join(map(repr, item.value)) or "none"
                item.fault(f"must hold exactly one name with {what}; it holds {len(item.value)} ({names})")
                yield from ((name, item.child(name)) for name in item.value)
            else:
                yield from item.entries()

    def text(self) -> str:
        """Read a string; an empty one after a fault."""
        if isinstance(self.value, str):
            return self.value
        self.fault(f"must be text, not {kind_of(self.value)}")
        return ""

    def integer(self) -> int:
        """Read a whole number; 0 after a fault."""
        if isinstance(self.value, int) and not isinstance(self.value, bool):
            return self.value
        self.fault(f"must be a whole number, not {kind_of(self.value)}")
        return 0

    def boolean(self) -> bool:
        """Read true or false; False after a fault."""
        if isinstance(self.value, bool):
            return self.value
        self.fault(f"must be true or false, not {kind_of(self.value)}")
        return False

    def choice(self, options: Collection[str]) -> str:
        """Read one of some words; an empty string after a fault."""
        word = self.text()
        if word not in options and isinstance(self.value, str):
            self.fault(f"must be one of {', '.join(options)}, not {word!r}", suggest(word, options))
            return ""
        return word


def kind_of(value: object) -> str:
    """Name a JSON value's kind, for messages."""
    if value is None:
        return "empty"
    names = {bool: "true or false", str: "text", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return names.get(type(value), type(value).__name__)
