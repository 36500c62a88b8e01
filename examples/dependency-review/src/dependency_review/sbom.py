"""The software bill of materials: what was reviewed, under which licences, and what needs what.

Source: CycloneDX 1.6 (ECMA-424), https://cyclonedx.org/docs/1.6/json/.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from cyclonedx.model import Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.component_evidence import ComponentEvidence
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import LicenseAcknowledgement, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.utils import canonicalize_name

from dependency_review.report import Report
from dependency_review.reviews import Review


def render_sbom(report: Report) -> str:
    """Render a report as a software bill of materials.

    A component's licence is the declared one where it declares a valid one, and else the one that was recognised in its texts;
    what was recognised is given as evidence either way.

    Args:
        report: The report.

    Returns:
        CycloneDX 1.6 as JSON; the same report always gives the same text.
    """
    components = {str(canonicalize_name(review.name)): _component(review) for review in report.reviews}
    whole = Component(name="environment", version=report.python, type=ComponentType.APPLICATION, bom_ref="environment")
    bom = Bom(
        # The same run, written again, is the same document.
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"urn:maestro:run:{report.run_id}"),
        components=components.values(),
        metadata=BomMetaData(
            timestamp=report.generated_at,
            component=whole,
            properties=list(_properties(run_id=report.run_id, trace_id=report.trace_id)),
        ),
        dependencies=[
            Dependency(whole.bom_ref, [Dependency(component.bom_ref) for component in components.values()]),
            *(
                Dependency(
                    components[str(canonicalize_name(review.name))].bom_ref,
                    [Dependency(components[name].bom_ref) for name in review.requires if name in components],
                )
                for review in report.reviews
            ),
        ],
    )
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _component(review: Review) -> Component:
    purl = PackageURL("pypi", name=str(canonicalize_name(review.name)), version=review.version)
    return Component(
        name=review.name,
        version=review.version,
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        licenses=_licenses(review),
        evidence=None if review.license is None else ComponentEvidence(licenses=[LicenseExpression(review.license)]),
        properties=list(
            _properties(review_id=review.review_id, status=review.status.value, confidence=review.confidence)
        ),
    )


def _licenses(review: Review) -> list[LicenseExpression]:
    if review.declared is not None:
        return [LicenseExpression(review.declared, acknowledgement=LicenseAcknowledgement.DECLARED)]
    if review.license is not None:
        return [LicenseExpression(review.license, acknowledgement=LicenseAcknowledgement.CONCLUDED)]
    return []


def _properties(**values: Any) -> Iterator[Property]:
    for name, value in values.items():
        if value is not None:
            yield Property(name=f"maestro:{name.replace('_', '-')}", value=str(value))
