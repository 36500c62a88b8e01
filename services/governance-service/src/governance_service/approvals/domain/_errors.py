"""What can go wrong with approvals."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from governance_service.domain import GovernanceError


class ApprovalError(GovernanceError):
    """Root of the errors of approvals.

    Attributes:
        code: Stable name of the kind of error.
    """

    code: ClassVar[str] = "APPROVAL_ERROR"


class ApprovalNotFoundError(ApprovalError):
    """There is no such approval, or it is another tenant's.

    Args:
        approval_id: Its id.
    """

    code = "APPROVAL_NOT_FOUND"

    def __init__(self, approval_id: str) -> None:
        super().__init__(f"there is no approval {approval_id!r}")
        self.approval_id = approval_id


class AmbiguousApprovalError(ApprovalError):
    """Several tenants have an approval of this id, and it was not said whose is meant.

    Args:
        approval_id: Its id.
        tenants: Who has one; None for the platform itself.
    """

    code = "APPROVAL_AMBIGUOUS"

    def __init__(self, approval_id: str, tenants: Sequence[str | None]) -> None:
        listed = ", ".join("the platform itself" if tenant is None else repr(tenant) for tenant in tenants)
        super().__init__(
            f"there is an approval {approval_id!r} of {listed}; "
            "name the tenant by the query parameter 'tenant' (empty for the platform's own)"
        )
        self.approval_id = approval_id
        self.tenants = tuple(tenants)


class ApprovalExistsError(ApprovalError):
    """The id is taken by an approval that asks for something else.

    Args:
        approval_id: The id.
    """

    code = "APPROVAL_EXISTS"

    def __init__(self, approval_id: str) -> None:
        super().__init__(f"the approval {approval_id!r} is there and asks for something else; take another id")
        self.approval_id = approval_id


class InvalidApprovalError(ApprovalError):
    """What is asked for makes no sense.

    Args:
        faults: Where, and what is wrong.
    """

    code = "INVALID_APPROVAL"

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path}: {message}" for path, message in faults))
        self.faults = tuple(faults)


class ApprovalClosedError(ApprovalError):
    """It is decided, expired or cancelled.

    Args:
        approval_id: Its id.
        status: How it stands.
        by: Who decided, or cancelled it.
    """

    code = "APPROVAL_CLOSED"

    def __init__(self, approval_id: str, status: str, by: Sequence[str]) -> None:
        who = f" by {', '.join(by)}" if by else ""
        super().__init__(f"the approval {approval_id!r} is {status}{who} already")
        self.approval_id = approval_id
        self.status = status


class AlreadyDecidedError(ApprovalError):
    """The person has said something else before.

    Args:
        name: The person.
        choice: What was said.
    """

    code = "ALREADY_DECIDED"

    def __init__(self, name: str, choice: str) -> None:
        super().__init__(f"{name} has said {choice!r} already; what is said cannot be taken back")
        self.name = name
        self.choice = choice


class NotACandidateError(ApprovalError):
    """The person may not do this to this approval.

    Args:
        name: The person.
        rule: Which rule says so.
        why: The same for a person.
    """

    code = "NOT_A_CANDIDATE"

    def __init__(self, name: str, rule: str, why: str) -> None:
        super().__init__(f"{name} {why}")
        self.name = name
        self.rule = rule


class ApprovalClaimedError(ApprovalError):
    """Somebody else is at it.

    Args:
        by: Who.
        until: For how long at most.
    """

    code = "APPROVAL_CLAIMED"

    def __init__(self, by: str, until: datetime) -> None:
        super().__init__(f"{by} has claimed it until {until:%Y-%m-%d %H:%M:%S} UTC")
        self.by = by
        self.until = until


class InvalidDelegationError(ApprovalError):
    """A seat cannot be handed to this person.

    Args:
        to: The person.
        why: What is against it.
    """

    code = "INVALID_DELEGATION"

    def __init__(self, to: str, why: str) -> None:
        super().__init__(f"it cannot be handed on to {to}: {why}")
        self.to = to


class StaleApprovalError(ApprovalError):
    """Somebody else changed it meanwhile.

    Args:
        approval_id: Its id.
    """

    code = "APPROVAL_BUSY"

    def __init__(self, approval_id: str) -> None:
        super().__init__(f"the approval {approval_id!r} is being changed by others; try again")
        self.approval_id = approval_id
