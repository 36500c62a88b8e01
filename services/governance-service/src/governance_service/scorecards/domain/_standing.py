"""How a service stands in the platform: documented, tested, fast enough, in production."""

from collections.abc import Mapping
from typing import Final

from ._facts import Facts
from ._findings import Finding, failed, passed, unknown
from ._looking import unreachable

ENOUGH_REQUESTS: Final = 100
SLOW_S: Final = "1.0"
FAST_SHARE: Final = 0.99


def ownership(facts: Facts) -> Finding:
    """Check that somebody is responsible for it."""
    if facts.catalog is None:
        return failed("it is not in the catalog", "let it declare owner and description when it registers")
    owner, description = facts.catalogued("owner"), facts.catalogued("description")
    absent = [name for name, value in (("owner", owner), ("description", description)) if not value]
    if absent:
        return failed(f"its catalog entry has no {' and no '.join(absent)}", "declare them in APIConfig")
    return passed(f"{owner} is responsible for it: {description}")


def documentation(facts: Facts) -> Finding:
    """Check that its catalog entry leads to documentation."""
    docs = facts.catalogued("docs")
    links = docs if isinstance(docs, list) else [docs]
    places = [str(link.get("url", "")) if isinstance(link, Mapping) else str(link or "") for link in links]
    if not any(places):
        return failed("its catalog entry has no link to documentation", "declare docs, the address of its page")
    return passed(f"documented at {', '.join(filter(None, places))}")


def openapi(facts: Facts) -> Finding:
    """Check that it describes its interface."""
    for place, document in (
        ("/openapi.json", None if facts.openapi is None else facts.openapi.body),
        ("the catalog", facts.catalogued("openapi")),
    ):
        paths = document.get("paths") if isinstance(document, Mapping) else None
        if isinstance(paths, Mapping) and paths:
            return passed(f"{place} has its OpenAPI document with {len(paths)} paths")
        if isinstance(document, str) and document:
            return passed(f"{place} leads to its OpenAPI document: {document}")
    if facts.openapi is None and facts.catalog is None:
        return unreachable(facts)
    return failed(
        "neither it nor the catalog has its OpenAPI document", "serve with MaestroAPI and hand it to the catalog"
    )


def tests(facts: Facts) -> Finding:
    """Check that somebody vouches for its tests."""
    return _attested(facts, "tests", "its tests, with APITestCase or the fixtures of maestro_core_api.testing, passed")


def performance(facts: Facts) -> Finding:
    """Check that it is fast enough: by a load test that somebody vouches for, else by what it has answered so far."""
    if "performance" in facts.attestations:
        return _attested(facts, "performance", "a load test met its objective")
    if facts.metrics is None:
        return unreachable(facts, "/metrics could not be read")
    name = "service_request_duration_seconds"
    total, fast = facts.metrics.sum(f"{name}_count"), facts.metrics.sum(f"{name}_bucket", le=SLOW_S)
    if total < ENOUGH_REQUESTS:
        return unknown(
            f"it has answered {total:g} requests; {ENOUGH_REQUESTS} are needed to tell",
            f"run a load test and report it: POST /scorecards/{facts.service}/attestations",
        )
    share = fast / total
    evidence = f"{share:.1%} of {total:g} requests were answered within a second"
    if share < FAST_SHARE:
        return failed(evidence, f"{FAST_SHARE:.0%} should be: find the slow routes in service_request_duration_seconds")
    return passed(evidence)


def production(facts: Facts) -> Finding:
    """Check that it runs in production, more than once."""
    if facts.instances == 0:
        return failed("no instance is registered", "start it with registry_url set")
    body = None if facts.ops_info is None else facts.ops_info.body
    environment = body.get("environment") if isinstance(body, Mapping) and "environment" in body else None
    if environment is None:
        return unknown("which environment it runs in is not known", "set scorecard_reads_ops of governance-service")
    if environment != "production":
        return failed(f"runs as {environment}", "deploy it with environment: production")
    if facts.instances < 2:
        return failed("runs in production with one instance", "run two or more, so that one may fail")
    return passed(f"{facts.instances} instances run in production, version {', '.join(facts.versions)}")


def _attested(facts: Facts, check: str, what: str) -> Finding:
    remedy = f"report that {what}: POST /scorecards/{facts.service}/attestations with check {check!r}"
    attestation = facts.attestations.get(check)
    if attestation is None:
        return unknown("nobody has reported it", remedy)
    said = f"{attestation.by} on {attestation.at:%Y-%m-%d}: {attestation.evidence}"
    if attestation.url:
        said += f" ({attestation.url})"
    if attestation.expires_at <= facts.seen_at:
        return unknown(f"the last report has expired ({said})", remedy)
    return passed(said) if attestation.passed else failed(said, f"mend it, and {remedy}")
