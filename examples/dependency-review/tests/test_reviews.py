from __future__ import annotations

import pytest

from dependency_review import Distribution, Review, ReviewOutcome, ReviewStatus, summarize


def _review(name: str, relation: str, license_: str | None, *, declared: str | None = "MIT", texts: int = 1) -> Review:
    distribution = Distribution(name=name, version="1", metadata_path="/m", declared=declared, declared_as=declared)
    outcome = {
        "license": license_,
        "confidence": 0.4,
        "texts": [{"name": "LICENSE", "characters": 1}] * texts,
        "comparison": {"relation": relation, "explanation": "why"},
    }
    return Review.completed(distribution, f"run.{name}", ReviewOutcome.model_validate(outcome))


@pytest.mark.parametrize(
    ("license_", "texts", "status"),
    [
        ("MIT", 1, ReviewStatus.RECOGNIZED),
        (None, 1, ReviewStatus.UNRECOGNIZED),
        (None, 0, ReviewStatus.NO_TEXT),
    ],
)
def test_status(license_: str | None, texts: int, status: ReviewStatus) -> None:
    """A review's status follows from what it found."""
    assert _review("x", "exact", license_, texts=texts).status is status


def test_ground_truth_is_declared_and_has_a_text() -> None:
    """Only distributions with a valid declaration and a text are compared; neither failures nor missing texts count."""
    summary = summarize(
        [
            _review("a", "exact", "MIT"),
            _review("b", "compatible", "MIT"),
            _review("c", "unrecognized", None),
            _review("d", "unrecognized", None, texts=0),
            _review("e", "undeclared", "ISC", declared=None),
            Review.failed(Distribution(name="f", version="1", metadata_path="/m", declared="MIT"), "run.f", "why"),
        ]
    )
    assert (summary.distributions, summary.declared, summary.recognized) == (6, 5, 3)
    assert (summary.no_text, summary.failed) == (1, 1)
    assert (summary.compared, summary.matched, summary.compatible, summary.match_rate) == (3, 1, 1, 0.3333)
    assert [mismatch.name for mismatch in summary.mismatches] == ["c"]


def test_compared_is_the_sum_of_its_parts() -> None:
    """Exact, compatible and mismatched together are all that was compared."""
    relations = ["exact", "compatible", "partial", "broader", "different"]
    summary = summarize([_review(name, name, "ISC") for name in relations])
    assert summary.compared == summary.matched + summary.compatible + len(summary.mismatches) == 5


def test_licences_are_counted_most_frequent_first() -> None:
    """Licences are listed by how often they were recognised, then by name."""
    summary = summarize([_review(str(n), "exact", name) for n, name in enumerate(["Zlib", "MIT", "ISC", "MIT"])])
    assert [(entry.license, entry.count) for entry in summary.by_license] == [("MIT", 2), ("ISC", 1), ("Zlib", 1)]


def test_nothing_to_compare_is_no_rate() -> None:
    """Without ground truth there is no match rate, rather than one of zero."""
    assert summarize([]).match_rate is None
