"""What an approval is, and what may be done to it. No I/O, no framework."""

from ._approval import Approval, Choice, Claim, Comment, Delegation, Status, Task, Vote
from ._asking import MAX_CONTEXT_BYTES, MAX_TEXT, MAX_TITLE, ask
from ._deciding import claim, decide, release
from ._errors import (
    AlreadyDecidedError,
    AmbiguousApprovalError,
    ApprovalClaimedError,
    ApprovalClosedError,
    ApprovalError,
    ApprovalExistsError,
    ApprovalNotFoundError,
    InvalidApprovalError,
    InvalidDelegationError,
    NotACandidateError,
    StaleApprovalError,
)
from ._handing_on import MAX_COMMENT, cancel, comment, delegate, run_out
from ._happenings import Action, Happening, outcome_of
from ._inbox import Inbox
from ._people import Actor, Candidates, Level
from ._store import ApprovalStore, Filter

__all__ = [
    "MAX_COMMENT",
    "MAX_CONTEXT_BYTES",
    "MAX_TEXT",
    "MAX_TITLE",
    "Action",
    "Actor",
    "AlreadyDecidedError",
    "AmbiguousApprovalError",
    "Approval",
    "ApprovalClaimedError",
    "ApprovalClosedError",
    "ApprovalError",
    "ApprovalExistsError",
    "ApprovalNotFoundError",
    "ApprovalStore",
    "Candidates",
    "Choice",
    "Claim",
    "Comment",
    "Delegation",
    "Filter",
    "Happening",
    "Inbox",
    "InvalidApprovalError",
    "InvalidDelegationError",
    "Level",
    "NotACandidateError",
    "StaleApprovalError",
    "Status",
    "Task",
    "Vote",
    "ask",
    "cancel",
    "claim",
    "comment",
    "decide",
    "delegate",
    "outcome_of",
    "release",
    "run_out",
]
