"""The workflow documents that come with this package."""

from __future__ import annotations

from importlib.resources import files

LICENSE_REVIEW = "examples/license-review"
"""The name of the workflow that reviews one distribution."""


def license_review_document() -> str:
    """Read the document of the workflow that reviews one distribution.

    Returns:
        Its text: Open Workflow DSL in YAML.
    """
    return files("dependency_review").joinpath("license-review.yaml").read_text(encoding="utf-8")
