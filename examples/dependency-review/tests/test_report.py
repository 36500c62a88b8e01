from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

from dependency_review import (
    Distribution,
    Finding,
    FindingKind,
    Report,
    Review,
    ReviewOutcome,
    render_html,
    render_json,
    summarize,
)

_HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>{{ 7 * 7 }}"


class _Page(HTMLParser):
    """Collects what a page consists of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def _distribution(name: str, **fields: Any) -> Distribution:
    return Distribution(
        **{"name": name, "version": "1.0", "metadata_path": "/m", "declared": "MIT", "declared_as": "MIT", **fields}
    )


def _outcome(relation: str, license_: str | None = "MIT", **fields: Any) -> ReviewOutcome:
    known = {
        "license": license_, "confidence": 0.5, "method": "recognizer", "texts": [{"name": "LICENSE", "characters": 9}],
        "evidence": [{"kind": "passage", "id": license_, "runner_up": None, "same_text": ["a", "b"], "similarity": 0.5}],
        "comparison": {"relation": relation, "explanation": "a reason"},
    }  # fmt: skip
    return ReviewOutcome.model_validate({**known, **fields})


def _report(*reviews: Review, **fields: Any) -> Report:
    given = {
        "run_id": "run", "trace_id": "0af7651916cd43dd8448eb211c80319c", "generated_at": datetime(2030, 1, 2, tzinfo=UTC),
        "python": "CPython 3.11", "paths": ("/site",), "summary": summarize(reviews), "findings": (), "reviews": reviews,
    }  # fmt: skip
    return Report(**{**given, **fields})


def _sample() -> Report:
    return _report(
        Review.completed(_distribution("exact"), "run.exact-1.0", _outcome("exact")),
        Review.completed(_distribution("odd"), "run.odd-1.0", _outcome("different", "ISC")),
        Review.failed(_distribution("sad"), "run.sad-1.0", "nobody answered"),
        Review.completed(_distribution("bare"), "run.bare-1.0", _outcome("unrecognized", None, texts=[], evidence=[])),
        findings=(Finding(FindingKind.DUPLICATE, "exact", "is there twice"),),
    )


def test_json_is_stable() -> None:
    """The JSON form is sorted, comes back as the same report, and has exactly the members that are documented."""
    report = _sample()
    text = render_json(report)
    assert text == render_json(report)
    assert Report.model_validate_json(text) == report
    data = json.loads(text)
    assert text == json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert sorted(data) == [
        "findings", "format", "generated_at", "paths", "python", "reviews", "run_id", "summary", "trace_id",
    ]  # fmt: skip
    assert sorted(data["summary"]) == [
        "by_license", "compared", "compatible", "declared", "distributions", "failed", "match_rate", "matched",
        "mismatches", "no_text", "policy", "recognized",
    ]  # fmt: skip
    assert sorted(data["reviews"][0]) == [
        "classifiers", "confidence", "declared", "declared_as", "error", "evidence", "explanation", "legacy_license",
        "license", "method", "model", "name", "notes", "policy", "policy_error", "relation", "requires", "review_id", "status", "texts", "version",
    ]  # fmt: skip


def test_page_shows_what_there_is() -> None:
    """Run, trace, figures, findings, reasons and evidence are on the page; mismatches come before the full list."""
    html = render_html(_sample())
    page = _Page(html)
    for text in (
        "run.odd-1.0",
        "0af7651916cd43dd8448eb211c80319c",
        "50.0 %",
        "nobody answered",
        "is there twice",
        "a · b",
    ):
        assert text in page.text
    assert html.index('id="mismatches-title"') < html.index('id="distributions-title"')
    mismatches = html[html.index('id="mismatches-title"') : html.index('id="failed-title"')]
    assert "<strong>odd</strong>" in mismatches
    assert "<strong>bare</strong>" not in mismatches
    assert len(re.findall(r'<th scope="row">(exact|odd|sad|bare)</th>', html)) == 4


def test_page_needs_nothing_else() -> None:
    """The page loads nothing, and its policy allows its own style and script alone."""
    page = _Page(render_html(_sample()))
    assert not [tag for tag, _ in page.tags if tag in {"link", "img", "iframe", "object", "embed", "base"}]
    assert not [value for _, attributes in page.tags for name, value in attributes.items() if name in {"src", "style"}]
    (policy,) = [tag["content"] for tag in page.all("meta") if tag.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_hostile_names_and_texts_stay_text() -> None:
    """Markup in any field that comes from outside is shown and never becomes part of the page."""
    hostile = _distribution(
        _HOSTILE,
        version=_HOSTILE,
        declared=_HOSTILE,
        declared_as=_HOSTILE + " ",
        legacy_license=_HOSTILE,
        classifiers=(_HOSTILE,),
    )
    outcome = _outcome(
        "different", _HOSTILE, method=_HOSTILE, model=_HOSTILE, notes=[_HOSTILE], evidence=[{_HOSTILE: _HOSTILE, "x": {_HOSTILE: 1}}],
        texts=[{"name": _HOSTILE, "characters": 1}], comparison={"relation": "different", "explanation": _HOSTILE},
    )  # fmt: skip
    reviews = (Review.completed(hostile, _HOSTILE, outcome), Review.failed(hostile, _HOSTILE, _HOSTILE))
    report = _report(
        *reviews, run_id=_HOSTILE, trace_id=_HOSTILE, python=_HOSTILE, paths=(_HOSTILE,),
        findings=(Finding(FindingKind.NO_METADATA, _HOSTILE, _HOSTILE),),
    )  # fmt: skip
    page = _Page(render_html(report))
    assert len(page.all("script")) == 1
    assert page.all("img") == []
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert page.text.count(_HOSTILE) >= 20


def test_page_is_accessible() -> None:
    """The page names its language, every heading cell its scope, and headings come in order without a gap."""
    page = _Page(render_html(_sample()))
    assert page.all("html") == [{"lang": "en"}]
    assert all(heading.get("scope") in {"row", "col"} for heading in page.all("th"))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    names = [value for _, attributes in page.tags for name, value in attributes.items() if name == "id"]
    assert len(names) == len(set(names))


def test_empty_report_can_be_rendered() -> None:
    """An environment without distributions yields a report that says so."""
    page = _Page(render_html(_report(trace_id=None)))
    assert "n/a" in page.text
    assert "No licence was recognised." in page.text
