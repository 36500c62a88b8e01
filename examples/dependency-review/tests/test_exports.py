from __future__ import annotations

from importlib.metadata import entry_points
from importlib.resources import files

import dependency_review
from dependency_review import workflow
from maestro_workflow_engine import StepDefinition, WorkflowDefinition

_PUBLIC = [
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


def test_public_names_are_pinned() -> None:
    """The package exports exactly these names, and each is there."""
    assert dependency_review.__all__ == _PUBLIC
    assert all(hasattr(dependency_review, name) for name in _PUBLIC)


def test_workflow_module_offers_the_workflow_and_its_steps() -> None:
    """Whoever loads the module named in the entry point finds the workflow and every step by its documented name."""
    offered = vars(workflow).values()
    assert {item.name for item in offered if isinstance(item, WorkflowDefinition)} == {"examples/dependency-review"}
    steps = {item.name for item in offered if isinstance(item, StepDefinition)}
    assert steps == {"take_inventory", "read_license_texts", "compare_licenses", "write_report"}


def test_entry_points_lead_to_what_they_name() -> None:
    """The installed entry points name a module that can be loaded and a document that is there."""
    (workflows,) = entry_points(group="maestro.workflows", name="dependency-review")
    assert workflows.load() is workflow
    (document,) = entry_points(group="maestro.documents", name="license-review")
    module, _, resource = document.value.partition(":")
    assert files(module).joinpath(resource).is_file()
