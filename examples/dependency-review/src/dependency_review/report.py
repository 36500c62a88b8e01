"""The report: one model, rendered as JSON for programs and as a single HTML page for people."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from jinja2.loaders import FunctionLoader
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict

from dependency_review.findings import Finding
from dependency_review.reviews import Review, ReviewStatus, Summary

FORMAT = 1
"""The version of the JSON form: members may be added within one version, never renamed."""


class Report(BaseModel):
    """Everything that a report tells."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    run_id: str
    trace_id: str | None = None
    """The trace of the run, by which its log lines and spans are found; None when it is not traced."""
    generated_at: datetime
    python: str
    paths: tuple[str, ...]
    summary: Summary
    findings: tuple[Finding, ...]
    """In a fixed order."""
    reviews: tuple[Review, ...]
    """By name."""


class ReportFiles(BaseModel):
    """Where a report was written."""

    model_config = ConfigDict(frozen=True)

    json_path: str
    html_path: str
    sbom_path: str
    """The software bill of materials (CycloneDX)."""


def render_json(report: Report) -> str:
    """Render a report as JSON.

    Args:
        report: The report.

    Returns:
        Indented JSON with sorted keys, so that two reports can be compared line by line.
    """
    return json.dumps(report.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def render_html(report: Report) -> str:
    """Render a report as a page that needs nothing but itself.

    Args:
        report: The report. Whatever names and texts it holds are shown as text.

    Returns:
        HTML whose content security policy allows its own style and script alone.
    """
    style, script = _resource("report.css"), _resource("report.js")
    return _template().render(
        report=report,
        summary=report.summary,
        mismatches=[review for review in report.reviews if review.to_look_at],
        failed=[review for review in report.reviews if review.status is ReviewStatus.FAILED],
        most=max((entry.count for entry in report.summary.by_license), default=1),
        # Both files are this package's own; everything else that the template prints is escaped.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        style_hash=_source_hash(style),
        script_hash=_source_hash(script),
    )


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(_resource),
    )
    environment.filters["percent"] = _percent
    environment.filters["evidence"] = _evidence
    return environment.get_template("report.html.j2")


@cache
def _resource(name: str) -> str:
    return files("dependency_review").joinpath("templates", name).read_text(encoding="utf-8")


def _source_hash(source: str) -> str:
    """Return a source expression of Content Security Policy Level 3 for an inline element."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def _percent(share: float | None) -> str:
    return "n/a" if share is None else f"{share * 100:.1f} %"


def _evidence(item: dict[str, Any]) -> list[tuple[str, str]]:
    """Lay one piece of evidence out as pairs; what says nothing is left out."""
    return [(name.replace("_", " "), _shown(value)) for name, value in item.items() if value not in (None, [], {}, "")]


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return " · ".join(value)
    if isinstance(value, dict) and not any(isinstance(part, dict | list) for part in value.values()):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return json.dumps(value, ensure_ascii=False)
