"""What can go wrong with policies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from governance_service.domain import GovernanceError


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and where."""

    path: str
    """Where: `text`, `schema`, `tests[2]`, or the id of a rule."""
    message: str
    """What is wrong, for the person who mends it."""


class PolicyError(GovernanceError):
    """Root of the errors of policies.

    Attributes:
        code: Stable name of the kind of error.
    """

    code: ClassVar[str] = "POLICY_ERROR"


class InvalidPolicyError(PolicyError):
    """The policy cannot be used: it does not parse, does not fit its schema, or cannot be explained.

    Args:
        name: The policy.
        faults: All that is wrong with it.
    """

    code = "INVALID_POLICY"

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        listed = "; ".join(f"{fault.path}: {fault.message}" for fault in faults)
        super().__init__(f"the policy {name!r} cannot be used: {listed}")
        self.name = name
        self.faults = tuple(faults)


class PolicyTestsFailedError(PolicyError):
    """A version whose own tests fail is not taken.

    Args:
        name: The policy.
        faults: The tests that fail, and how.
    """

    code = "POLICY_TESTS_FAILED"

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        listed = "; ".join(f"{fault.path}: {fault.message}" for fault in faults)
        super().__init__(f"tests of the policy {name!r} fail: {listed}")
        self.name = name
        self.faults = tuple(faults)


class PolicyNotFoundError(PolicyError):
    """There is no such policy, or no such version of it.

    Args:
        name: The policy.
        version: The version; None when the policy itself is not there.
        known: What there is: names of policies, or numbers of versions.
    """

    code = "POLICY_NOT_FOUND"

    def __init__(self, name: str, version: int | None = None, known: Sequence[str] = ()) -> None:
        what = f"no policy {name!r}" if version is None else f"no version {version} of the policy {name!r}"
        super().__init__(f"there is {what}; there are: {', '.join(known) or 'none'}")
        self.name = name
        self.version = version
        self.known = tuple(known)


class PolicyChangedError(PolicyError):
    """Somebody else made a version meanwhile.

    Args:
        name: The policy.
    """

    code = "POLICY_CHANGED"

    def __init__(self, name: str) -> None:
        super().__init__(f"the policy {name!r} has a new version since; look at it and apply yours again")
        self.name = name


class InvalidDecisionRequestError(PolicyError):
    """A question that the policy's schema does not allow.

    Args:
        policy: The policy.
        reason: What does not fit.
    """

    code = "INVALID_DECISION_REQUEST"

    def __init__(self, policy: str, reason: str) -> None:
        super().__init__(f"the question does not fit the schema of the policy {policy!r}: {reason}")
        self.policy = policy
        self.reason = reason


class DecisionNotFoundError(PolicyError):
    """There is no such decision in the log.

    Args:
        decision_id: Its id.
    """

    code = "DECISION_NOT_FOUND"

    def __init__(self, decision_id: str) -> None:
        super().__init__(f"the log has no decision {decision_id!r}; it keeps the latest ones only")
        self.decision_id = decision_id
