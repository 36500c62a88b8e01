"""A policy that is known to be sound, and what it says to a question."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cedarpy

from ._errors import Fault, InvalidDecisionRequestError, InvalidPolicyError
from ._nesting import measure
from ._rules import Rule, read_rules
from ._sources import JSON, Entity, Outcome, PolicySource, Question

WITHOUT_APPROVAL: Final = "_without_approval"
"""An action of this ending says what may be done at once; the action itself, what may be done at all."""
DEFAULT_DENY: Final = "default-deny"
DEFAULT_APPROVAL: Final = "default-approval"
EVALUATION_ERROR: Final = "evaluation-error"
_MAX_QUESTION_DEPTH: Final = 32


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a policy says what it says."""

    rule: str
    """Id of the rule that decided; `default-deny` and `default-approval` when none did."""
    text: str
    """The same for a person."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy says, and why."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    """At least one."""


class CompiledPolicy:
    """A policy that parses, fits its schema and can be explained.

    Args:
        name: Its name.
        source: How it was written.

    Raises:
        InvalidPolicyError: It is not sound; all that is wrong is named.
    """

    def __init__(self, name: str, source: PolicySource) -> None:
        self.name = name
        self.source = source
        faults = [Fault("text", fault) for fault in measure(source.text)]
        faults += [Fault("schema", fault) for fault in measure(source.schema, angles=True)]
        if faults:
            raise InvalidPolicyError(name, faults)
        try:
            self._schema = cedarpy.Schema.from_str(source.schema)
        except ValueError as error:
            raise InvalidPolicyError(name, [Fault("schema", str(error))]) from error
        try:
            self._policies = cedarpy.PolicySet.from_str(source.text)
        except ValueError as error:
            raise InvalidPolicyError(name, [Fault("text", f"does not parse: {error}")]) from error
        self._rules, faults = read_rules(source.text)
        for found in cedarpy.validate_policies(source.text, self._schema).errors:
            rule = self._rules.get(found.policy_id)
            message = found.error if rule is None else found.error.replace(f"`{found.policy_id}`", f"`{rule.id}`")
            faults.append(Fault("text" if rule is None else rule.id or "text", message))
        if faults:
            raise InvalidPolicyError(name, faults)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Its rules, in their order."""
        return tuple(self._rules.values())

    def answer(self, question: Question) -> Verdict:
        """Say whether something is allowed, denied, or needs an approval.

        Where the schema has an action `<action>_without_approval`, what is allowed but not under that action needs an approval.

        Args:
            question: What is asked.

        Returns:
            The answer with its reasons. A rule that cannot be evaluated denies.

        Raises:
            InvalidDecisionRequestError: The question does not fit the schema.
        """
        verdict = self._evaluate(question, question.action)
        at_once = question.action + WITHOUT_APPROVAL
        if verdict.outcome is not Outcome.ALLOW or not self._has_action(at_once):
            return verdict
        stricter = self._evaluate(question, at_once)
        if stricter.outcome is Outcome.ALLOW:
            return stricter
        reasons = tuple(self._as_approval(reason, question) for reason in stricter.reasons)
        failed = any(reason.rule == EVALUATION_ERROR for reason in reasons)
        return Verdict(Outcome.DENY if failed else Outcome.NEEDS_APPROVAL, reasons)

    def _evaluate(self, question: Question, action: str) -> Verdict:
        request = {
            "principal": {"type": question.principal.type, "id": question.principal.id},
            "action": {"type": "Action", "id": action},
            "resource": {"type": question.resource.type, "id": question.resource.id},
        }
        try:
            context = json.dumps(_cedar_value(dict(question.context)))
            entities = json.dumps(list(_entities(question)))
            answer = cedarpy.is_authorized(
                {**request, "context": context}, self._policies, entities, schema=self._schema
            )
        except (ValueError, TypeError) as error:
            raise InvalidDecisionRequestError(self.name, str(error)) from error
        errors = answer.diagnostics.errors
        if answer.decision is cedarpy.Decision.NoDecision:
            raise InvalidDecisionRequestError(self.name, "; ".join(map(_readable, errors)))
        if errors:
            text = f"A rule could not be evaluated, and what cannot be evaluated is denied: {'; '.join(errors)}"
            return Verdict(Outcome.DENY, (Reason(EVALUATION_ERROR, text),))
        outcome = Outcome.ALLOW if answer.allowed else Outcome.DENY
        decided = [self._rules[parsed_id] for parsed_id in answer.diagnostics.reasons]
        reasons = tuple(sorted((Reason(rule.id, rule.explain(question)) for rule in decided), key=lambda one: one.rule))
        return Verdict(outcome, reasons or (_by_default(question),))

    def _as_approval(self, reason: Reason, question: Question) -> Reason:
        if reason.rule != DEFAULT_DENY:
            return reason
        who, what = question.principal.id, question.resource.id
        text = f"No rule allows {who} to {question.action} {what} without an approval"
        return Reason(DEFAULT_APPROVAL, text)

    @lru_cache(maxsize=64)  # noqa: B019 - as many as there are actions, and it goes with the policy
    def _has_action(self, action: str) -> bool:
        # Any name may be an action, if it is quoted; and in a condition one counts that applies to nothing.
        name = "".join(sign if sign.isascii() and sign.isalnum() else f"\\u{{{ord(sign):x}}}" for sign in action)
        probe = f'permit(principal, action, resource) when {{ action == Action::"{name}" || true }};'
        return cedarpy.validate_policies(probe, self._schema).validation_passed


def _by_default(question: Question) -> Reason:
    who, what = question.principal.id, question.resource.id
    return Reason(DEFAULT_DENY, f"No rule allows {who} to {question.action} {what}, and what no rule allows is denied")


def _entities(question: Question) -> Iterator[JSON]:
    """Yield what a question speaks of as Cedar's JSON; each entity once, the one that says more about it."""
    found: dict[tuple[str, str], Entity] = {}
    waiting = [question.principal, question.resource, *question.entities]
    while waiting:
        entity = waiting.pop(0)
        known = found.get((entity.type, entity.id))
        if known is None or (not known.attributes and not known.parents):
            found[entity.type, entity.id] = entity
            waiting += entity.parents
    for entity in found.values():
        yield {
            "uid": {"type": entity.type, "id": entity.id},
            "attrs": _cedar_value(dict(entity.attributes)),
            "parents": [{"type": parent.type, "id": parent.id} for parent in entity.parents],
        }


def _cedar_value(value: JSON, depth: int = 0) -> JSON:
    """Write a number with a fraction as the text that Cedar reads decimals from; it has no other fractions."""
    if depth > _MAX_QUESTION_DEPTH:
        raise ValueError(f"values may be nested {_MAX_QUESTION_DEPTH} deep")
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, dict):
        return {name: _cedar_value(item, depth + 1) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_cedar_value(item, depth + 1) for item in value]
    return value


def _readable(error: str) -> str:
    # Cedar repeats the whole list of entities before it comes to the point.
    _, found, reason = error.rpartition("entity does not conform to the schema: ")
    return reason if found else error.removeprefix("failed to build request: ")
