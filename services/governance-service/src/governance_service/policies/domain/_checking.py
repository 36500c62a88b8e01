"""Whether a version of a policy may be used: it is sound, and its own tests pass."""

from dataclasses import dataclass
from typing import Final

from ._compiled import CompiledPolicy
from ._errors import Fault, InvalidDecisionRequestError, InvalidPolicyError, PolicyTestsFailedError
from ._reading import read_tests
from ._sources import Outcome, PolicySource, PolicyTest

MAX_TESTS: Final = 500


@dataclass(frozen=True, slots=True)
class TestResult:
    """How a test of a policy went."""

    name: str
    expect: Outcome
    got: Outcome | None
    """What the policy said; None when the question did not fit its schema."""
    rules: tuple[str, ...]
    """Ids of the rules that decided."""
    problem: str | None
    """Why it failed; None when it passed."""


@dataclass(frozen=True, slots=True)
class CheckedPolicy:
    """A sound policy with the results of its tests."""

    policy: CompiledPolicy
    results: tuple[TestResult, ...]

    @property
    def failed(self) -> tuple[TestResult, ...]:
        """The tests that failed."""
        return tuple(result for result in self.results if result.problem is not None)

    def require_passed(self) -> CompiledPolicy:
        """Return the policy if its tests pass.

        Returns:
            The policy.

        Raises:
            PolicyTestsFailedError: Some do not.
        """
        if self.failed:
            raise PolicyTestsFailedError(
                self.policy.name, [Fault(result.name, result.problem or "") for result in self.failed]
            )
        return self.policy


def check(name: str, source: PolicySource) -> CheckedPolicy:
    """Compile a policy and run its tests.

    Args:
        name: Its name.
        source: How it was written.

    Returns:
        The policy, and how its tests went.

    Raises:
        InvalidPolicyError: It, or one of its tests, is not sound.
    """
    if len(source.tests) > MAX_TESTS:
        raise InvalidPolicyError(name, [Fault("tests", f"are {len(source.tests)}; at most {MAX_TESTS} are allowed")])
    tests, faults = read_tests(source.tests)
    try:
        policy = CompiledPolicy(name, source)
    except InvalidPolicyError as error:
        raise InvalidPolicyError(name, [*error.faults, *faults]) from error
    known = {rule.id for rule in policy.rules}
    for test in tests:
        unknown = [rule for rule in test.rules or () if rule not in known and not rule.startswith("default-")]
        faults += [Fault(test.name, f"expects the rule {rule!r}, which the policy does not have") for rule in unknown]
    if faults:
        raise InvalidPolicyError(name, faults)
    return CheckedPolicy(policy, tuple(_run(policy, test) for test in tests))


def _run(policy: CompiledPolicy, test: PolicyTest) -> TestResult:
    try:
        verdict = policy.answer(test.question)
    except InvalidDecisionRequestError as error:
        return TestResult(test.name, test.expect, None, (), error.reason)
    rules = tuple(reason.rule for reason in verdict.reasons)
    problem = None
    if verdict.outcome is not test.expect:
        because = "; ".join(f"{reason.rule}: {reason.text}" for reason in verdict.reasons)
        problem = f"expected {test.expect}, got {verdict.outcome} ({because})"
    elif test.rules is not None and sorted(rules) != sorted(test.rules):
        problem = f"expected the rules {', '.join(sorted(test.rules))} to decide, but {', '.join(rules)} did"
    return TestResult(test.name, test.expect, verdict.outcome, rules, problem)
