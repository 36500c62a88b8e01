import itertools
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from orders_application import application
from promtool import check_queries, needs_promtool

from maestro_core_monitoring import MetricsCollector
from maestro_core_monitoring.generate import ServiceDeclaration, as_json, dashboard, declaration_of, rules

SCHEMA = json.loads(Path(__file__).with_name("grafana-dashboard.schema.json").read_text("utf-8"))


def queries(document: dict[str, Any]) -> list[str]:
    """Return every query of a dashboard."""
    return [target["expr"] for panel in document["panels"] for target in panel.get("targets", ())]


def panel_of(document: dict[str, Any], title: str) -> dict[str, Any]:
    """Return the panel under a heading."""
    (found,) = [panel for panel in document["panels"] if panel["title"] == title]
    return dict(found)


@pytest.mark.parametrize("bare", [False, True])
def test_grafana_takes_it(service: ServiceDeclaration, bare: bool) -> None:
    """Fields, types and values are those that Grafana publishes, for a service with metrics of its own and one without."""
    document = dashboard(declaration_of(MetricsCollector("bare")) if bare else service)
    faults = [
        f"{error.instance_path}: {error.message}"
        for error in jsonschema_rs.Draft7Validator(SCHEMA).iter_errors(document)
    ]
    assert faults == []
    assert json.loads(as_json(document)) == document


def test_panels_stand_side_by_side_and_have_numbers_of_their_own(service: ServiceDeclaration) -> None:
    """No panel covers another one or leaves the page, and none has the number of another."""
    panels = dashboard(service)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in itertools.combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above


@needs_promtool
def test_every_query_is_promql(tmp_path: Path, service: ServiceDeclaration) -> None:
    """Prometheus itself reads them."""
    check_queries(tmp_path, queries(dashboard(service)))


def test_the_guide_s_panels_are_there(service: ServiceDeclaration) -> None:
    """Rate, latency, errors; processor, memory, disk; business; dependencies and health."""
    document = dashboard(service)
    rows = [panel["title"] for panel in document["panels"] if panel["type"] == "row"]
    assert rows == ["Objectives", "Requests", "Health and dependencies", "Business", "Resources", "Telemetry"]
    everything = "\n".join(queries(document))
    for metric in (
        "service_requests_total",
        "service_request_duration_seconds_bucket",
        "service_errors_total",
        "service_health_status",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "service_disk_free_bytes",
        "asyncio_loop_lag_seconds_bucket",
    ):
        assert metric in everything


def test_own_metrics_have_a_panel_each(service: ServiceDeclaration) -> None:
    """A counter shows its rate, a gauge its value in its own way of adding up, a histogram its quantiles."""
    document = dashboard(service)
    shown = {
        title: (
            panel_of(document, title)["targets"][0]["expr"],
            panel_of(document, title)["fieldConfig"]["defaults"]["unit"],
        )
        for title in ("Orders shipped, by country", "Open orders", "Age of the oldest order", "Weight of orders")
    }
    target = 'job=~"$job",instance=~"$instance"'
    assert shown == {
        "Orders shipped, by country": (
            f"sum by (country) (rate(orders_shipped_total{{{target}}}[$__rate_interval]))",
            "ops",
        ),
        "Open orders": (f"sum (orders_open{{{target}}})", "short"),
        "Age of the oldest order": (f"max (orders_oldest_seconds{{{target}}})", "s"),
        "Weight of orders": (
            f"histogram_quantile(0.5, sum by (le) (rate(orders_weight_bytes_bucket{{{target}}}[$__rate_interval])))",
            "bytes",
        ),
    }


def test_what_rules_record_is_what_the_dashboard_reads(service: ServiceDeclaration) -> None:
    """Every recorded series that a panel asks for is recorded by the rules of the same service."""
    recorded = {rule["record"] for group in rules(service)["groups"] for rule in group["rules"] if "record" in rule}
    asked = {
        word
        for query in queries(dashboard(service))
        for word in query.replace("{", " ").split()
        if word.startswith("service:")
    }
    assert asked
    assert asked <= recorded


def test_exemplars_are_shown_where_there_are_some(service: ServiceDeclaration) -> None:
    """The way from a slow request to its trace."""
    targets = panel_of(dashboard(service), "Duration")["targets"]
    assert [target.get("exemplar", False) for target in targets] == [False, False, True]


def test_the_same_service_gives_the_same_bytes() -> None:
    """Whatever was counted meanwhile."""
    first, second = application(), application()
    second.metrics.counter("orders_shipped", "Orders shipped, by country.", ("country",)).labels("nl").inc()
    assert as_json(dashboard(declaration_of(first))) == as_json(dashboard(declaration_of(second)))


def test_a_long_name_is_cut_to_what_grafana_allows() -> None:
    """Identifiers have forty characters at most."""
    document = dashboard(declaration_of(MetricsCollector("a-service-with-a-name-that-goes-on-and-on-and-on")))
    assert len(document["uid"]) == 40
