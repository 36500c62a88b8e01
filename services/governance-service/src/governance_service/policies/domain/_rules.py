"""The rules of a policy: their ids, and the sentences that explain them."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import cedarpy

from ._errors import Fault
from ._sources import Entity, Question

_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_PLACES: Final = re.compile(r"(?:principal|resource)(?:\.[A-Za-z_]\w*)?|action|context\.[A-Za-z_]\w*")
_MAX_VALUE_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a policy."""

    id: str
    """Its `@id`."""
    text: str
    """Its `@text`: why it decides as it does. `{resource.name}` stands for an attribute of the question."""
    effect: str
    """`permit` or `forbid`."""

    def explain(self, question: Question) -> str:
        """Say why the rule decides as it does.

        Args:
            question: What was asked.

        Returns:
            Its text, with the question's values in it.
        """
        return _PLACE.sub(lambda place: _value(question, place[1]), self.text)


def read_rules(text: str) -> tuple[dict[str, Rule], list[Fault]]:
    """Read the rules of a policy that parses.

    Args:
        text: The policy.

    Returns:
        The rules by the parser's ids, and what is wrong with them.
    """
    document = json.loads(cedarpy.policies_to_json_str(text))
    faults: list[Fault] = []
    rules: dict[str, Rule] = {}
    if document["templates"]:
        faults.append(Fault("text", "has templates (?principal, ?resource); write whole rules"))
    for number, (parsed_id, rule) in enumerate(document["staticPolicies"].items(), start=1):
        annotations = rule.get("annotations") or {}
        found = Rule(annotations.get("id") or "", annotations.get("text") or "", rule["effect"])
        rules[parsed_id] = found
        faults += _faults(found, f"rule {number}")
    if not rules:
        faults.append(Fault("text", "has no rules: everything would be denied, and nobody would know why"))
    counted = Counter(rule.id for rule in rules.values() if rule.id)
    faults += [Fault(one, f"is the @id of {count} rules") for one, count in counted.items() if count > 1]
    return rules, faults


def _faults(rule: Rule, place: str) -> Iterator[Fault]:
    if not _ID.fullmatch(rule.id):
        yield Fault(place, 'needs an @id("…") of a-z, 0-9, ".", "_" and "-", at most 64')
    if not rule.text.strip():
        yield Fault(rule.id or place, 'needs a @text("…") that tells a person why it decides')
    for name in _PLACE.findall(rule.text):
        if not _PLACES.fullmatch(name):
            known = "{principal}, {resource}, {action}, {resource.attribute}, {principal.attribute}, {context.name}"
            yield Fault(rule.id or place, f"its text has {{{name}}}; it may have {known}")


def _value(question: Question, place: str) -> str:
    root, _, name = place.partition(".")
    if root == "action":
        return question.action
    if root == "context":
        return _shown(question.context, name)
    entity: Entity = question.principal if root == "principal" else question.resource
    return _shown(entity.attributes, name) if name else entity.id


def _shown(values: Mapping[str, object], name: str) -> str:
    value = values.get(name)
    if value is None:
        return f"unknown {name}"
    listed = isinstance(value, list) and all(isinstance(item, str) for item in value)
    text = ", ".join(value) if listed and isinstance(value, list) else _plain(value)
    return text if len(text) <= _MAX_VALUE_CHARS else f"{text[:_MAX_VALUE_CHARS]}…"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
