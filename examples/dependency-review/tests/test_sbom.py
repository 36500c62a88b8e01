"""The software bill of materials."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from dependency_review.inventory import Distribution, take_inventory
from dependency_review.report import Report
from dependency_review.reviews import Review, ReviewOutcome, summarize
from dependency_review.sbom import render_sbom

OUTCOME: dict[str, Any] = {
    "license": "MIT",
    "confidence": 0.97,
    "texts": [{"name": "LICENSE", "characters": 10}],
    "comparison": {"relation": "exact"},
}


def _report(*reviews: Review) -> Report:
    return Report(
        run_id="run",
        trace_id="a" * 32,
        generated_at=datetime(2026, 11, 26, tzinfo=UTC),
        python="CPython 3.11",
        paths=("/site",),
        summary=summarize(reviews),
        findings=(),
        reviews=reviews,
    )


def _review(name: str, declared: str | None, recognized: str | None, requires: tuple[str, ...] = ()) -> Review:
    distribution = Distribution(name, "1.0", f"/site/{name}", declared=declared, requires=requires)
    outcome = ReviewOutcome.model_validate(OUTCOME | {"license": recognized})
    return Review.completed(distribution, f"run.{name}", outcome)


def test_the_schema_accepts_it() -> None:
    """What CycloneDX's own schema says of it, for every kind of licence that there can be."""
    text = render_sbom(
        _report(
            _review("Declared_Name", "MIT OR Apache-2.0", "MIT"),
            _review("recognized", None, "BSD-3-Clause"),
            _review("unknown", None, None),
            _review("own", "LicenseRef-Own", "LicenseRef-scancode-public-domain"),
        )
    )

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_a_component_says_what_is_declared_and_what_was_found() -> None:
    """The declared licence is the component's; what its texts were recognised as is evidence."""
    document = json.loads(
        render_sbom(_report(_review("Declared_Name", "MIT OR Apache-2.0", "MIT"), _review("bare", None, "ISC")))
    )
    by_name = {component["name"]: component for component in document["components"]}

    declared, bare = by_name["Declared_Name"], by_name["bare"]
    assert declared["purl"] == declared["bom-ref"] == "pkg:pypi/declared-name@1.0"
    assert declared["licenses"] == [{"acknowledgement": "declared", "expression": "MIT OR Apache-2.0"}]
    assert declared["evidence"]["licenses"] == [{"expression": "MIT"}]
    assert bare["licenses"] == [{"acknowledgement": "concluded", "expression": "ISC"}]
    assert {"name": "maestro:trace-id", "value": "a" * 32} in document["metadata"]["properties"]


def test_the_same_report_gives_the_same_text() -> None:
    """A step that is done again writes the same file."""
    report = _report(_review("b", "MIT", "MIT", ("a",)), _review("a", "MIT", "MIT"))

    assert render_sbom(report) == render_sbom(report)


def test_who_needs_whom() -> None:
    """Each component is followed by what it needs of the others; what was not reviewed is not named."""
    document = json.loads(
        render_sbom(_report(_review("b", "MIT", "MIT", ("a", "elsewhere")), _review("a", "MIT", "MIT")))
    )
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in document["dependencies"]}

    assert needs["pkg:pypi/b@1.0"] == ["pkg:pypi/a@1.0"]
    assert needs["pkg:pypi/a@1.0"] == []


def test_needs_are_read_from_the_metadata(site: Any) -> None:
    """Those that hold here and are installed; needs of extras, of other systems and of nobody are left out."""
    site.install("a", "1.0")
    site.install(
        "b",
        "1.0",
        "Requires-Dist: A>=1",
        "Requires-Dist: gone",
        "Requires-Dist: a; sys_platform == 'nowhere'",
        "Requires-Dist: c; extra == 'more'",
        "Requires-Dist: !!",
    )
    site.install("c", "1.0")

    found = {one.name: one.requires for one in take_inventory([str(site.folder)]).distributions}

    assert found == {"a": (), "b": ("a",), "c": ()}
