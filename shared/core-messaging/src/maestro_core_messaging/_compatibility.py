"""Whether two versions of an event can be read by each other's consumers, told from their JSON Schemas."""

from dataclasses import dataclass
from typing import Any, Final

from maestro_core_messaging._event_type import EventType

_BOUNDS: Final = {
    "minimum": 1,
    "exclusiveMinimum": 1,
    "minLength": 1,
    "minItems": 1,
    "maximum": -1,
    "exclusiveMaximum": -1,
    "maxLength": -1,
    "maxItems": -1,
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
    schemas do not tell (validators in Python, patterns, the rules of `not` and `if`) is not seen.

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
        if references != ("", ""):
            if references in self._seen:
                return
            self._seen.add(references)
        taken, written = self._resolved(taken, 0), self._resolved(written, 1)
        if taken is True or not taken:
            return
        alternatives = _alternatives(written)
        if len(alternatives) > 1:
            for each in alternatives:
                self.compare(taken, each, path)
            return
        choices = _alternatives(taken)
        if len(choices) > 1:
            self._one_of(choices, written, path)
            return
        self._same_kind(choices[0], alternatives[0], path)

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
        taken, written = self._resolved(taken, 0), self._resolved(written, 1)
        kind, other = taken.get("type"), written.get("type")
        if kind is not None and kind != other and kind not in _NUMBERS.get(other, ()):
            self.problems.append((path, f"it was {_shown(written)} and is to be {_shown(taken)}"))
            return
        self._values(taken, written, path)
        if kind == "object":
            self._object(taken, written, path)
        elif kind == "array" and "items" in taken:
            self.compare(taken["items"], written.get("items", True), f"{path}[]")

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
        if taken.get("format") not in (None, written.get("format")):
            self.problems.append((path, f"the format {taken['format']} is asked for"))

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

    def _resolved(self, schema: Any, side: int) -> Any:
        name = _reference(schema)
        return self._definitions[side].get(name, {}) if name else schema


def _reference(schema: Any) -> str:
    return schema.get("$ref", "").removeprefix("#/$defs/") if isinstance(schema, dict) else ""


def _alternatives(schema: Any) -> list[Any]:
    if schema is True or not isinstance(schema, dict):
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
