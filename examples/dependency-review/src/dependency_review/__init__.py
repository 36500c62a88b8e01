"""Reviews the licences of every distribution installed in an environment.

The workflow and its steps are in `dependency_review.workflow`; here are the parts that work without an engine.
"""

from dependency_review.comparison import Comparison, Relation, compare
from dependency_review.documents import (
    LICENSE_APPROVAL,
    LICENSE_POLICY,
    LICENSE_REVIEW,
    license_approval_document,
    license_policy_document,
    license_review_document,
)
from dependency_review.errors import (
    DependencyReviewError,
    DistributionNotFoundError,
    EnvironmentNotFoundError,
    InvalidExpressionError,
    ReportWriteError,
)
from dependency_review.findings import Finding, FindingKind
from dependency_review.inventory import Distribution, Inventory, take_inventory
from dependency_review.license_texts import LicenseText, LicenseTexts, read_license_texts
from dependency_review.policy import ApprovalAnswer, Decision, PolicyAnswer, PolicySummary
from dependency_review.report import Report, ReportFiles, render_html, render_json
from dependency_review.reviews import Review, ReviewOutcome, ReviewStatus, Summary, summarize
from dependency_review.sbom import render_sbom

__all__ = [
    "LICENSE_APPROVAL",
    "LICENSE_POLICY",
    "LICENSE_REVIEW",
    "ApprovalAnswer",
    "Comparison",
    "Decision",
    "DependencyReviewError",
    "Distribution",
    "DistributionNotFoundError",
    "EnvironmentNotFoundError",
    "Finding",
    "FindingKind",
    "InvalidExpressionError",
    "Inventory",
    "LicenseText",
    "LicenseTexts",
    "PolicyAnswer",
    "PolicySummary",
    "Relation",
    "Report",
    "ReportFiles",
    "ReportWriteError",
    "Review",
    "ReviewOutcome",
    "ReviewStatus",
    "Summary",
    "compare",
    "license_approval_document",
    "license_policy_document",
    "license_review_document",
    "read_license_texts",
    "render_html",
    "render_json",
    "render_sbom",
    "summarize",
    "take_inventory",
]
