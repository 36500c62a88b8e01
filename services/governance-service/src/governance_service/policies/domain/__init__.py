"""What policies are, what they say, and why. No I/O, no framework."""

from ._book import FILE_PREFIX, PolicyBook
from ._checking import CheckedPolicy, TestResult, check
from ._compiled import WITHOUT_APPROVAL, CompiledPolicy, Reason, Verdict
from ._errors import (
    DecisionNotFoundError,
    Fault,
    InvalidDecisionRequestError,
    InvalidPolicyError,
    PolicyChangedError,
    PolicyError,
    PolicyNotFoundError,
    PolicyTestsFailedError,
)
from ._reading import UnreadableError, read_question, read_tests, write_question
from ._records import Change, Decision, DryRun, PolicyVersion
from ._rules import Rule
from ._sources import JSON, Entity, Outcome, PolicySource, PolicyTest, Question
from ._store import PolicyStore

__all__ = [
    "FILE_PREFIX",
    "JSON",
    "WITHOUT_APPROVAL",
    "Change",
    "CheckedPolicy",
    "CompiledPolicy",
    "Decision",
    "DecisionNotFoundError",
    "DryRun",
    "Entity",
    "Fault",
    "InvalidDecisionRequestError",
    "InvalidPolicyError",
    "Outcome",
    "PolicyBook",
    "PolicyChangedError",
    "PolicyError",
    "PolicyNotFoundError",
    "PolicySource",
    "PolicyStore",
    "PolicyTest",
    "PolicyTestsFailedError",
    "PolicyVersion",
    "Question",
    "Reason",
    "Rule",
    "TestResult",
    "UnreadableError",
    "Verdict",
    "check",
    "read_question",
    "read_tests",
    "write_question",
]
