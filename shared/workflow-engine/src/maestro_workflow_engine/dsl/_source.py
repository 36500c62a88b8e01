"""Document text to plain data, with the place of every value: YAML 1.2 or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError

from maestro_workflow_engine.dsl._faults import DocumentError, Fault
from maestro_workflow_engine.dsl._yaml import TAG, YamlNode, compose

Places = dict[str, tuple[int, int]]

_MAX_NODES = 100_000
"""Aliases can make a small text unfold into a huge document; no honest one is near this size."""


@dataclass
class Source:
    """A document as plain JSON values."""

    data: Any
    """The values: dict, list, str, int, float, bool, None."""
    places: Places = field(default_factory=dict)
    """JSON Pointer to (line, column), both from 1; empty when the document did not come as text."""
    faults: list[Fault] = field(default_factory=list)
    """What is wrong with the text itself, such as a key that appears twice."""
    text: str | None = None
    """The text; None when the document did not come as text."""


def pointer(parent: str, key: str | int) -> str:
    """Append one step to a JSON Pointer (RFC 6901)."""
    return f"{parent}/{str(key).replace('~', '~0').replace('/', '~1')}"


def read_source(document: str | bytes | Mapping[str, Any]) -> Source:
    """Turn a document into plain values.

    Args:
        document: YAML 1.2 or JSON text (bytes are UTF-8), or the values themselves.

    Returns:
        The values, with places when there was text.

    Raises:
        DocumentError: The text is neither YAML nor JSON, or the values are no JSON values.
    """
    if isinstance(document, Mapping):
        try:
            return Source(json.loads(json.dumps(document, allow_nan=False)))
        except (TypeError, ValueError, RecursionError) as error:
            raise DocumentError([Fault("", f"holds something that is no JSON value: {error}")]) from error
    if isinstance(document, bytes):
        try:
            document = document.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DocumentError([Fault("", f"is not UTF-8 text: {error}")]) from error
    document = document.removeprefix("\ufeff")
    source = _Unfolder().unfold(_compose(document))
    source.text = document
    return source


def _compose(text: str) -> YamlNode:
    try:
        node = compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        problem = error.problem or error.context or "cannot be read"
        if problem.startswith("but "):
            problem = f"{error.context}, {problem}"
        raise DocumentError(
            [Fault("", f"is neither YAML nor JSON: {problem}", line, column, rule="not-yaml")]
        ) from error
    except (YAMLError, ValueError) as error:
        problem = str(error).partition("\n")[0]
        line, column = _place(text, getattr(error, "position", None))
        raise DocumentError(
            [Fault("", f"is neither YAML nor JSON: {problem}", line, column, rule="not-yaml")]
        ) from error
    if node is None:
        raise DocumentError([Fault("", "is empty", 1, 1, rule="empty")])
    return node


def _place(text: str, position: int | None) -> tuple[int | None, int | None]:
    """Return line and column of a character, both from 1; None where it is not known which."""
    if position is None:
        return None, None
    before = text[:position]
    return before.count("\n") + 1, position - before.rfind("\n")


class _Unfolder:
    """Walks a YAML node graph once, aliases unfolded."""

    def __init__(self) -> None:
        self._source = Source(None)
        self._open: set[int] = set()
        self._count = 0

    def unfold(self, root: YamlNode) -> Source:
        self._source.data = self._value(root, "")
        return self._source

    def _fault(self, node: YamlNode, path: str, message: str, rule: str = "not-json") -> None:
        mark = node.start_mark
        self._source.faults.append(Fault(path, message, mark.line + 1, mark.column + 1, rule=rule))

    def _value(self, node: YamlNode, path: str) -> Any:
        self._count += 1
        if self._count > _MAX_NODES:
            raise DocumentError([*self._source.faults, Fault(path, f"unfolds into more than {_MAX_NODES} values")])
        self._source.places.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
        if id(node) in self._open:
            self._fault(node, path, "an alias that contains itself")
            return None
        if node.id == "scalar":
            return self._scalar(node, path)
        self._open.add(id(node))
        try:
            if node.id == "sequence":
                return [self._value(item, pointer(path, index)) for index, item in enumerate(node.value)]
            if node.id == "mapping":
                return self._mapping(node, path)
        finally:
            self._open.discard(id(node))
        self._fault(node, path, f"{node.tag} has no JSON form")
        return None

    def _mapping(self, node: YamlNode, path: str) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == f"{TAG}merge":
                merged.update(self._merge(value_node, path))
                continue
            if key_node.id != "scalar":
                self._fault(key_node, path, "a key must be text")
                continue
            key = str(key_node.value)
            here = pointer(path, key)
            if key in result:
                line, column = self._source.places[here]
                message = f"the key {key!r} appears twice; first at line {line}, column {column}"
                self._fault(key_node, here, message, "duplicate-key")
                continue
            self._source.places[here] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            result[key] = self._value(value_node, here)
        return {**merged, **result}

    def _merge(self, node: YamlNode, path: str) -> dict[str, Any]:
        parts = node.value if node.id == "sequence" else [node]
        merged: dict[str, Any] = {}
        for part in parts:
            if part.id == "mapping":
                merged = {**self._mapping(part, path), **merged}
            else:
                self._fault(part, path, "'<<' merges mappings only")
        return merged

    def _scalar(self, node: YamlNode, path: str) -> Any:
        text = str(node.value)
        read = _SCALARS.get(str(node.tag).removeprefix(TAG), str)
        try:
            return read(text)
        except ValueError as error:
            self._fault(node, path, f"{text!r} has no JSON form: {error}")
            return None


def _integer(text: str) -> int:
    digits = text.replace("_", "").lower()
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    base = {"0x": 16, "0o": 8, "0b": 2}.get(digits[:2], 10)
    return sign * int(digits[2:] if base != 10 else digits, base)


def _float(text: str) -> float:
    number = float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    if not isfinite(number):
        raise ValueError("JSON knows finite numbers only")
    return number


_SCALARS: Mapping[str, Callable[[str], Any]] = {
    "null": lambda _: None,
    "bool": lambda text: text.lower() == "true",
    "int": _integer,
    "float": _float,
}
"""How the YAML 1.2 core schema reads scalars; everything else, dates included, is text."""
