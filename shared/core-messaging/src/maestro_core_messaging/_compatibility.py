"""Whether two versions of an event can be read by each other's consumers, told from their JSON Schemas."""

import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from maestro_core_messaging._event_type import EventType

_BOUNDS: Final = {
    "minimum": 1,
    "exclusiveMinimum": 1,
    "minLength": 1,
    "minItems": 1,
    "minProperties": 1,
    "maximum": -1,
    "exclusiveMaximum": -1,
    "maxLength": -1,
    "maxItems": -1,
    "maxProperties": -1,
}
"""Bounds of a schema, and in which direction they become narrower."""
_NUMBERS: Final = {"integer": {"integer", "number"}}
_Schema = dict[str, Any]


@dataclass(frozen=True)
class Incompatibility:
    """Something that a writer may write and a reader does not take."""

    path: str
    """Where in the data, such as `order.lines[].amount`; `data` for the whole."""
    problem: str
    """What it is."""
    reader: int
    """The version of the consumer."""
    writer: int
    """The version of the publisher."""

    def __str__(self) -> str:
        """Tell it in one line."""
        return f"a consumer of version {self.reader} cannot read version {self.writer}: {self.path}: {self.problem}"


def incompatibilities(old: EventType[Any], new: EventType[Any]) -> list[Incompatibility]:
    """Find what makes two versions unreadable for each other's consumers, converters left aside.

    Where an upcaster or a downcaster leads from the one version to the other, that direction is not looked at. What the
    schemas do not tell (validators in Python, the rules of `not` and `if`) is not seen. Patterns are the same or not: that one takes
    all that another one lets through is not seen either.

    Args:
        old: The earlier version.
        new: The later one.

    Returns:
        Each of the things, empty when both can read each other.

    Raises:
        ValueError: They are not versions of one event.
    """
    if old.name != new.name:
        raise ValueError(f"{old.name} and {new.name} are different events, not versions of one")
    found: list[Incompatibility] = []
    if not any(version in new.upcasters for version in range(old.version, new.version)):
        found += _read_by(new, old)
    if not any(version in old.downcasters for version in range(old.version + 1, new.version + 1)):
        found += _read_by(old, new)
    return found


def _read_by(reader: EventType[Any], writer: EventType[Any]) -> list[Incompatibility]:
    taken = reader.adapter.json_schema(mode="validation")
    written = writer.adapter.json_schema(mode="serialization")
    comparison = _Comparison(taken.get("$defs", {}), written.get("$defs", {}))
    comparison.compare(taken, written, "")
    return [
        Incompatibility(path or "data", problem, reader.version, writer.version)
        for path, problem in dict.fromkeys(comparison.problems)
    ]


class _Comparison:
    def __init__(self, taken: _Schema, written: _Schema) -> None:
        self._definitions = (taken, written)
        self._seen: set[tuple[str, str]] = set()
        self.problems: list[tuple[str, str]] = []

    def compare(self, taken: Any, written: Any, path: str) -> None:
        """Note what the writer may write at a place and the reader does not take."""
        references = (_reference(taken), _reference(written))
        # One side without a reference differs from place to place, and ends by itself.
        if all(references):
            if references in self._seen:
                return
            self._seen.add(references)
        taken, written = self._resolved(taken, 0), self._resolved(written, 1)
        if written is False or taken is True or taken == {}:
            return
        if taken is False:
            self.problems.append((path, "nothing is taken here, and something may come"))
            return
        alternatives = _alternatives(written)
        if alternatives != [written]:
            for each in alternatives:
                self.compare(taken, each, path)
            return
        choices = _alternatives(taken)
        if choices != [taken]:
            self._one_of(choices, written, path)
            return
        self._same_kind(taken, written, path)

    def _one_of(self, choices: list[Any], written: Any, path: str) -> None:
        tried = []
        for choice in choices:
            attempt = _Comparison(*self._definitions)
            attempt._seen = set(self._seen)
            attempt.compare(choice, written, path)
            if not attempt.problems:
                return
            tried.append(attempt.problems)
        self.problems += tried[0] if len(tried) == 1 else [(path, f"no alternative takes {_shown(written)}")]

    def _same_kind(self, taken: Any, written: Any, path: str) -> None:
        kind, other = taken.get("type"), written.get("type")
        if kind is not None and kind != other and kind not in _NUMBERS.get(other, ()):
            self.problems.append((path, f"it was {_shown(written)} and is to be {_shown(taken)}"))
            return
        self._values(taken, written, path)
        if kind == "object":
            self._object(taken, written, path)
        elif kind == "array":
            self._array(taken, written, path)

    def _values(self, taken: _Schema, written: _Schema, path: str) -> None:
        allowed, possible = _constants(taken), _constants(written)
        if allowed is not None:
            extra = [value for value in possible or () if value not in allowed]
            if possible is None or extra:
                told = ", ".join(map(repr, extra)) or "any value"
                self.problems.append((path, f"{told} may come, and only {', '.join(map(repr, allowed))} is taken"))
        for bound, direction in _BOUNDS.items():
            if bound in taken and (bound not in written or (taken[bound] - written[bound]) * direction > 0):
                self.problems.append((path, f"{bound} {taken[bound]} is asked for, and is not kept by the publisher"))
        for word in ("format", "pattern"):
            if taken.get(word) not in (None, written.get(word)):
                self.problems.append((path, f"the {word} {taken[word]} is asked for"))
        step = taken.get("multipleOf")
        if step is not None and (
            "multipleOf" not in written or Decimal(str(written["multipleOf"])) % Decimal(str(step))
        ):
            self.problems.append((path, f"multiples of {step} are asked for"))

    def _array(self, taken: _Schema, written: _Schema, path: str) -> None:
        wanted, given = taken.get("prefixItems", []), written.get("prefixItems", [])
        rest, given_rest = taken.get("items", True), written.get("items", True)
        most = written.get("maxItems", sys.maxsize)
        for place in range(min(max(len(wanted), len(given)), most)):
            self.compare(
                wanted[place] if place < len(wanted) else rest,
                given[place] if place < len(given) else given_rest,
                f"{path}[{place}]",
            )
        if most > max(len(wanted), len(given)):
            self.compare(rest, given_rest, f"{path}[]")

    def _object(self, taken: _Schema, written: _Schema, path: str) -> None:
        wanted, given = taken.get("properties", {}), written.get("properties", {})
        always = set(written.get("required", ()))
        for name in taken.get("required", ()):
            if name not in given:
                self.problems.append((_at(path, name), "it is required, and is not there"))
            elif name not in always:
                self.problems.append((_at(path, name), "it is required, and may be missing"))
        rest = taken.get("additionalProperties", True)
        for name, schema in given.items():
            if name in wanted:
                self.compare(wanted[name], schema, _at(path, name))
            elif rest is False:
                self.problems.append((_at(path, name), "it is not known, and unknown fields are forbidden"))
            elif isinstance(rest, dict):
                self.compare(rest, schema, _at(path, name))
        self._further(taken, written, path)

    def _further(self, taken: _Schema, written: _Schema, path: str) -> None:
        wanted, given = taken.get("properties", {}), written.get("properties", {})
        rest = taken.get("additionalProperties", True)
        # A model whose schema does not speak of further fields writes none.
        given_rest = written.get("additionalProperties", False)
        if given_rest is not False:
            self._keys(taken, written, path)
            self.compare(rest, given_rest, _at(path, "*"))
        if isinstance(given_rest, dict):
            for name, schema in wanted.items():
                if name not in given:
                    self.compare(schema, given_rest, _at(path, name))
        for pattern, schema in written.get("patternProperties", {}).items():
            self.compare(taken.get("patternProperties", {}).get(pattern, rest), schema, _at(path, "*"))

    def _keys(self, taken: _Schema, written: _Schema, path: str) -> None:
        if "propertyNames" in taken:
            names = {"type": "string", **self._resolved(written.get("propertyNames", {}), 1)}
            self.compare({"type": "string", **self._resolved(taken["propertyNames"], 0)}, names, _at(path, "*"))
        for pattern in taken.get("patternProperties", ()):
            self.problems.append((_at(path, "*"), f"names with the pattern {pattern} are asked for"))

    def _resolved(self, schema: Any, side: int) -> Any:
        while name := _reference(schema):
            schema = self._definitions[side].get(name, {})
        return schema


def _reference(schema: Any) -> str:
    return schema.get("$ref", "").removeprefix("#/$defs/") if isinstance(schema, dict) else ""


def _alternatives(schema: Any) -> list[Any]:
    if not isinstance(schema, dict):
        return [{}]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return [each for choice in schema[word] for each in _alternatives(choice)]
    kinds = schema.get("type")
    return [{**schema, "type": kind} for kind in kinds] if isinstance(kinds, list) else [schema]


def _constants(schema: _Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _shown(schema: Any) -> str:
    return str(schema.get("type") or schema.get("title") or "anything") if isinstance(schema, dict) else "anything"


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
