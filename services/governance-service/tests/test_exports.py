from importlib.metadata import entry_points
from importlib.util import find_spec

import pytest

import governance_service
from governance_service import audit, keys
from governance_service.approvals import domain as approvals
from governance_service.policies import domain as policies
from governance_service.scorecards import domain as scorecards

EXPORTS = {
    audit: ["AuditEntry", "AuditError", "AuditRecord", "AuditTrail", "Outcome"],
    keys: [
        "KeyFolder",
        "KeyFolderError",
        "KeyRing",
        "KeysError",
        "NoSigningKeyError",
        "PublicKeys",
        "Rotation",
        "SigningKey",
        "b64url",
        "thumbprint",
        "unb64url",
    ],
    policies: [
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
    ],
    approvals: [
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
    ],
    scorecards: [
        "ATTESTABLE",
        "CHECKS",
        "JSON",
        "Answer",
        "Attestation",
        "Check",
        "Facts",
        "Finding",
        "Metrics",
        "Point",
        "RegistryUnreachableError",
        "Result",
        "Sample",
        "Scorecard",
        "ScorecardError",
        "ScorecardNotFoundError",
        "ScorecardStore",
        "State",
        "assess",
        "read_metrics",
    ],
}


@pytest.mark.parametrize("subject", EXPORTS, ids=lambda subject: subject.__name__)
def test_a_subject_exports_exactly_this(subject: object) -> None:
    """The names that other subjects take from a subject, or from its rules, are these and no others."""
    assert subject.__all__ == EXPORTS[subject]
    assert all(hasattr(subject, name) for name in subject.__all__)


def test_the_service_can_be_found() -> None:
    """The entry points lead to the module that serves, to the class of its configuration and to its migrations."""
    (service,) = entry_points(group="maestro.services", name="governance-service")
    assert service.load() is governance_service
    assert find_spec(f"{service.value}.__main__") is not None
    (config,) = entry_points(group="maestro.configs", name="governance-service")
    assert config.load().service_name == "governance-service"
    (migrations,) = entry_points(group="maestro.migrations", name="governance-service")
    assert "audit_entries" in migrations.load().metadata.tables
