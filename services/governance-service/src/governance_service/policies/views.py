"""Policies and decisions as callers see them, and what callers ask."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from governance_service.policies.domain import (
    Change,
    CheckedPolicy,
    Decision,
    DryRun,
    Outcome,
    PolicySource,
    PolicyVersion,
    Reason,
    Rule,
    write_question,
)

_MAX_TEXT = 65_536
_SHOWN_CHANGES = 20


class PolicyRequest(BaseModel):
    """A version of a policy."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    text: str = Field(max_length=_MAX_TEXT)
    """Its rules, in Cedar; each has `@id("…")` and `@text("…")`."""
    schema_: str = Field(alias="schema", max_length=_MAX_TEXT)
    """What can be asked about, as a Cedar schema."""
    tests: list[dict[str, Any]] = Field(default_factory=list, max_length=500)
    """Questions with the answers that they have to get: `{name, principal, action, resource, context?, expect, rules?}`."""
    description: str = Field(default="", max_length=2_000)
    """What it is for."""

    def source(self) -> PolicySource:
        """Return what the domain takes."""
        return PolicySource(self.text, self.schema_, tuple(self.tests), self.description)


class DecisionRequest(BaseModel):
    """May somebody do something to something?"""

    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [
                {
                    "policy": "licences",
                    "principal": {"type": "Service", "id": "dependency-review"},
                    "action": "use",
                    "resource": {
                        "type": "Distribution",
                        "id": "certifi",
                        "attributes": {"licenses": ["MPL-2.0"], "confidence": 0.98},
                    },
                }
            ]
        },
    )

    policy: str
    """Its name."""
    principal: dict[str, Any]
    """Who: `{type, id, attributes?, parents?}`."""
    action: str
    """What: an action of the policy's schema."""
    resource: dict[str, Any]
    """To what; as `principal`."""
    context: dict[str, Any] = Field(default_factory=dict)
    """Under which circumstances."""
    entities: list[dict[str, Any]] = Field(default_factory=list, max_length=200)
    """Others that the rules look at; as `principal`."""
    dry_run: bool = False
    """Answer without keeping the decision."""
    tenant: str | None = Field(default=None, max_length=256)
    """On behalf of which tenant; callers of a tenant need not say. Default: the caller's."""


class RuleView(BaseModel):
    """A rule of a policy."""

    id: str
    text: str
    effect: str

    @classmethod
    def of(cls, rules: Sequence[Rule]) -> list[Self]:
        """Show rules.

        Args:
            rules: The rules.
        """
        return [cls(id=rule.id, text=rule.text, effect=rule.effect) for rule in rules]


class TestResultView(BaseModel):
    """How a test went."""

    name: str
    passed: bool
    expect: Outcome
    got: Outcome | None
    rules: list[str]
    problem: str | None


class TestsView(BaseModel):
    """How the tests of a policy went."""

    policy: str
    passed: bool
    results: list[TestResultView]

    @classmethod
    def of(cls, checked: CheckedPolicy) -> Self:
        """Show the results.

        Args:
            checked: The policy with its results.
        """
        results = [
            TestResultView(
                name=one.name,
                passed=one.problem is None,
                expect=one.expect,
                got=one.got,
                rules=list(one.rules),
                problem=one.problem,
            )
            for one in checked.results
        ]
        return cls(policy=checked.policy.name, passed=not checked.failed, results=results)


class ReasonView(BaseModel):
    """Why a policy decides as it does."""

    rule: str
    """Id of the rule that decided; `default-deny` and `default-approval` when none did."""
    text: str

    @classmethod
    def of(cls, reasons: Sequence[Reason]) -> list[Self]:
        """Show reasons.

        Args:
            reasons: The reasons.
        """
        return [cls(rule=reason.rule, text=reason.text) for reason in reasons]


class DecisionView(BaseModel):
    """An answer with its reasons."""

    decision_id: str
    decision: Outcome
    """`allow`, `deny`, or `needs_approval`: allowed as soon as somebody has approved it."""
    policy: str
    policy_version: int
    reasons: list[ReasonView]
    dry_run: bool

    @classmethod
    def of(cls, decision: Decision, *, dry_run: bool) -> Self:
        """Show a decision.

        Args:
            decision: The decision.
            dry_run: Whether it was not kept.
        """
        return cls(
            decision_id=decision.id,
            decision=decision.outcome,
            policy=decision.policy,
            policy_version=decision.version,
            reasons=ReasonView.of(decision.reasons),
            dry_run=dry_run,
        )


class LoggedDecisionView(DecisionView):
    """A decision of the log, with what was asked."""

    question: dict[str, Any]
    asked_by: str
    tenant: str | None
    decided_at: datetime
    trace_id: str | None

    @classmethod
    def logged(cls, decision: Decision) -> Self:
        """Show a decision of the log.

        Args:
            decision: The decision.
        """
        return cls(
            decision_id=decision.id,
            decision=decision.outcome,
            policy=decision.policy,
            policy_version=decision.version,
            reasons=ReasonView.of(decision.reasons),
            dry_run=False,
            question=write_question(decision.question),
            asked_by=decision.asked_by,
            tenant=decision.tenant,
            decided_at=decision.decided_at,
            trace_id=decision.trace_id,
        )


class ChangeView(BaseModel):
    """A decision that a new version would take otherwise."""

    decision_id: str
    question: dict[str, Any]
    before: Outcome
    after: Outcome | None
    """Absent when the question does not fit the new schema."""
    reasons: list[ReasonView]

    @classmethod
    def of(cls, change: Change) -> Self:
        """Show a change.

        Args:
            change: The change.
        """
        return cls(
            decision_id=change.decision.id,
            question=write_question(change.decision.question),
            before=change.decision.outcome,
            after=change.outcome,
            reasons=ReasonView.of(change.reasons),
        )


class DryRunView(BaseModel):
    """A new version beside the latest decisions."""

    compared: int
    changed: int
    changes: list[ChangeView]
    """The latest of them, at most 20."""

    @classmethod
    def of(cls, run: DryRun) -> Self:
        """Show a dry run.

        Args:
            run: The dry run.
        """
        shown = [ChangeView.of(change) for change in run.changes[:_SHOWN_CHANGES]]
        return cls(compared=run.compared, changed=len(run.changes), changes=shown)


class PolicyView(BaseModel):
    """A version of a policy."""

    name: str
    version: int
    description: str
    created_at: datetime
    created_by: str
    tests: int

    @classmethod
    def of(cls, version: PolicyVersion) -> Self:
        """Show a version.

        Args:
            version: The version.
        """
        return cls(
            name=version.name,
            version=version.version,
            description=version.source.description,
            created_at=version.created_at,
            created_by=version.created_by,
            tests=len(version.source.tests),
        )


class PolicyDetailView(BaseModel):
    """A version of a policy in full."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)

    name: str
    version: int
    description: str
    created_at: datetime
    created_by: str
    text: str
    schema_: str = Field(alias="schema")
    tests: list[dict[str, Any]]
    rules: list[RuleView]
    versions: list[int] = []

    @classmethod
    def detailed(cls, version: PolicyVersion, rules: Sequence[Rule], versions: Sequence[int]) -> Self:
        """Show a version in full.

        Args:
            version: The version.
            rules: Its rules.
            versions: All versions that there are.
        """
        return cls(
            name=version.name,
            version=version.version,
            description=version.source.description,
            created_at=version.created_at,
            created_by=version.created_by,
            text=version.source.text,
            schema_=version.source.schema,
            tests=list(version.source.tests),
            rules=RuleView.of(rules),
            versions=list(versions),
        )


class AppliedView(BaseModel):
    """What came of applying a policy."""

    name: str
    version: int | None
    """The version in force; absent in a dry run."""
    created: bool
    dry_run: DryRunView | None
    tests: TestsView


class PoliciesView(BaseModel):
    """The policies in force, by name."""

    policies: list[PolicyView]
