from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from governance_service.scorecards.domain import (
    ATTESTABLE,
    CHECKS,
    Answer,
    Attestation,
    Facts,
    Metrics,
    Sample,
    State,
    assess,
    read_metrics,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TRACE = "0af7651916cd43dd8448eb211c80319c"
PROBLEM = {"type": "t", "title": "t", "status": 404, "error_code": "NOT_FOUND", "trace_id": TRACE}
VERSIONS = {f"maestro-core-{name}": "1.2.3" for name in ("api", "config", "logging", "monitoring")}
STANDARD = frozenset(
    {"service_requests_total", "service_request_duration_seconds", "service_errors_total", "service_health_status"}
)


def problem(status: int, **members: Any) -> Answer:
    return Answer(status, "application/problem+json", {"x-request-id": "r"}, {**PROBLEM, "status": status, **members})


def ok(body: Any = None) -> Answer:
    return Answer(200, "application/json", {}, body)


def timed(total: int, fast: int) -> Metrics:
    name = "service_request_duration_seconds"
    samples = (
        Sample(f"{name}_count", {"route": "/a"}, total),
        Sample(f"{name}_bucket", {"route": "/a", "le": "1.0"}, fast),
    )
    return Metrics(STANDARD, samples)


def attested(check: str, *, passed: bool = True, days: int = 1) -> Attestation:
    return Attestation(check, passed, "all green", "ci", NOW, NOW + timedelta(days=days), "https://ci/1")


GOOD = Facts(
    service="shop",
    seen_at=NOW,
    instances=2,
    versions=("1.0.0",),
    catalog={
        "owner": "team",
        "description": "sells",
        "docs": [{"title": "Guide", "url": "https://docs/shop"}],
        "openapi": "/c",
    },
    live=ok(),
    ready=ok(),
    metrics=timed(1_000, 999),
    missing=problem(404),
    anonymous=problem(401, rule="bearer-token-present"),
    openapi=ok({"paths": {"/a": {}}}),
    ops_info=ok({"packages": VERSIONS, "environment": "production"}),
    ops_config=ok({"settings": [{"name": "port"}]}),
    ops_loggers=ok({"levels": {"root": "INFO"}}),
    attestations={"tests": attested("tests")},
)


def found(facts: Facts, check: str) -> Any:
    return next(result for result in assess(facts).results if result.check == check)


def test_a_service_that_does_everything_has_all_points() -> None:
    """With every fact as it should be each line is passed, has evidence, and nothing is left to do."""
    card = assess(GOOD)
    assert (card.score, card.count(State.PASSED)) == (100, len(CHECKS))
    assert all(result.evidence and result.remedy is None for result in card.results)


def test_a_service_of_which_nothing_is_known_has_none() -> None:
    """Nothing known is nothing done; each line says what to do."""
    card = assess(Facts("shop", NOW))
    assert (card.score, card.count(State.PASSED)) == (0, 0)
    assert all(result.remedy for result in card.results)


def test_the_checklist_is_the_guides() -> None:
    """Each line of the guide's migration checklist is checked, and what can be vouched for are checks."""
    assert list(dict.fromkeys(check.item for check in CHECKS)) == [
        "Update dependency declarations",
        "Replace logging with core-logging",
        "Replace configuration with core-config",
        "Replace API framework with core-api",
        "Add standardized error handling",
        "Add monitoring and metrics",
        "Update tests to use shared test utilities",
        "Update documentation",
        "Performance testing",
        "Production deployment",
    ]
    assert set(ATTESTABLE) <= {check.id for check in CHECKS}


FORBIDDEN = problem(403, error_code="ROLE_REQUIRED")


@pytest.mark.parametrize(
    ("check", "change", "state", "evidence"),
    [
        ("dependencies", {"ops_info": ok({"packages": {}})}, State.FAILED, "runs without maestro-core-api"),
        ("dependencies", {"ops_info": ok({"packages": {**VERSIONS, "maestro-core-api": "0.9"}})}, State.FAILED, "maestro-core-api 0.9"),
        ("dependencies", {"ops_info": FORBIDDEN}, State.UNKNOWN, "admins only"),
        ("dependencies", {"ops_info": problem(404)}, State.FAILED, "no /ops"),
        ("dependencies", {"ops_info": ok("text")}, State.UNKNOWN, "200"),
        ("logging", {"ops_loggers": ok({})}, State.FAILED, "no levels"),
        ("logging", {"missing": Answer(404)}, State.FAILED, "x-request-id"),
        ("logging", {"ops_loggers": problem(500)}, State.UNKNOWN, "500"),
        ("configuration", {"ops_config": problem(404)}, State.FAILED, "knows no settings"),
        ("configuration", {"ops_config": ok({"settings": []})}, State.FAILED, "no settings"),
        ("configuration", {"ops_config": FORBIDDEN}, State.UNKNOWN, "admins only"),
        ("framework", {"anonymous": ok({})}, State.FAILED, "answered with 200"),
        ("framework", {"anonymous": problem(401)}, State.FAILED, "answered with 401"),
        ("errors", {"missing": ok({})}, State.FAILED, "answered with 200"),
        ("errors", {"missing": Answer(404, "application/json", {}, {"detail": "Not Found"})}, State.FAILED, "application/json"),
        ("errors", {"missing": Answer(404, "application/problem+json", {}, {"title": "t"})}, State.FAILED, "trace_id"),
        ("metrics", {"metrics": Metrics(frozenset({"service_requests_total"}))}, State.FAILED, "lacks service_request_duration"),
        ("metrics", {"metrics": None}, State.UNKNOWN, "/metrics"),
        ("health", {"ready": Answer(503)}, State.FAILED, "503"),
        ("health", {"live": Answer(404)}, State.FAILED, "404"),
        ("tracing", {"missing": problem(404, trace_id="no")}, State.FAILED, "trace_id"),
        ("tests", {"attestations": {}}, State.UNKNOWN, "nobody"),
        ("tests", {"attestations": {"tests": attested("tests", passed=False)}}, State.FAILED, "all green (https://ci/1)"),
        ("tests", {"attestations": {"tests": attested("tests", days=0)}}, State.UNKNOWN, "expired"),
        ("ownership", {"catalog": None}, State.FAILED, "not in the catalog"),
        ("ownership", {"catalog": {"description": "d"}}, State.FAILED, "no owner"),
        ("documentation", {"catalog": {"docs": []}}, State.FAILED, "no link"),
        ("openapi", {"openapi": Answer(404), "catalog": {}}, State.FAILED, "OpenAPI"),
        ("openapi", {"openapi": ok({"paths": {}}), "catalog": {"openapi": {"paths": {"/": {}}}}}, State.PASSED, "the catalog"),
        ("performance", {"metrics": timed(99, 99)}, State.UNKNOWN, "99 requests"),
        ("performance", {"metrics": timed(1_000, 980)}, State.FAILED, "98.0% of 1000"),
        ("performance", {"metrics": timed(1_000, 1), "attestations": {"performance": attested("performance")}}, State.PASSED, "ci on 2026-01-01"),
        ("production", {"instances": 0}, State.FAILED, "no instance"),
        ("production", {"instances": 1}, State.FAILED, "one instance"),
        ("production", {"ops_info": ok({"environment": "development"})}, State.FAILED, "development"),
        ("production", {"ops_info": FORBIDDEN}, State.UNKNOWN, "not known"),
    ],
)  # fmt: skip
def test_each_line_tells_what_it_saw_and_what_to_do(
    check: str, change: dict[str, Any], state: State, evidence: str
) -> None:
    """A fact that is not as it should be fails its line with evidence and a remedy, and takes its points away."""
    facts = replace(GOOD, **change)
    result = found(facts, check)
    assert (result.state, evidence in result.evidence) == (state, True), result.evidence
    assert (result.remedy is None) == (state is State.PASSED)
    assert state is State.PASSED or assess(facts).score < 100


def test_a_score_of_100_means_all_of_it() -> None:
    """One light line missing is not rounded away."""
    assert assess(replace(GOOD, instances=1)).score < 100


def test_an_exposition_is_read_and_what_is_none_is_passed_over() -> None:
    """Names, labels and values are found; comments, odd lines and values that are no numbers do no harm."""
    text = '# TYPE a_total counter\na_total{b="x\\"}y",c=""} 3.0 1700000000\na_total 4\n# HELP nothing\n\x00 }{ 5\na_total NaN\n'
    metrics = read_metrics(text)
    assert metrics.families == {"a_total"}
    assert (metrics.sum("a_total"), metrics.sum("a_total", c="")) == (7.0, 3.0)
