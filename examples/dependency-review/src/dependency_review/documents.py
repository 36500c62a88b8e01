"""The workflow documents that come with this package."""

from __future__ import annotations

from importlib.resources import files

LICENSE_REVIEW = "examples/license-review"
"""The name of the workflow that reviews one distribution."""


LICENSE_POLICY = "examples/license-policy"
"""The name of the workflow that asks a policy about one distribution."""

LICENSE_APPROVAL = "examples/license-approval"
"""The name of the workflow that asks those who approve."""


def license_policy_document() -> str:
    """Read the document of the workflow that asks a policy about one distribution.

    Returns:
        Its text: Open Workflow DSL in YAML.
    """
    return _document("license-policy.yaml")


def license_approval_document() -> str:
    """Read the document of the workflow that asks those who approve.

    Returns:
        Its text: Open Workflow DSL in YAML.
    """
    return _document("license-approval.yaml")


def license_review_document() -> str:
    """Read the document of the workflow that reviews one distribution.

    Returns:
        Its text: Open Workflow DSL in YAML.
    """
    return _document("license-review.yaml")


def _document(name: str) -> str:
    return files("dependency_review").joinpath(name).read_text(encoding="utf-8")
