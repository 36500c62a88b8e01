import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from orders_application import application
from promtool import check_rules, check_values, needs_promtool
from ruamel.yaml import YAML

from maestro_core_monitoring import MetricsCollector, MonitoringError, Objectives
from maestro_core_monitoring.generate import BURN_RATES, ServiceDeclaration, as_yaml, declaration_of, rules

HERE = 'service="orders",instance="one",job="maestro"'
INFO = {f'service_info{{{HERE},version="1"}}': "1x2000"}
FIRING = 'count by (alertname, severity, slo) (ALERTS{alertstate="firing"})'


def requests(per_minute: float, *, wrong: float = 0, minutes: int = 400, route: str = "/orders/{id}") -> dict[str, str]:
    """Return series of requests of which some a minute fail, and nothing after the minutes."""
    right = per_minute - wrong
    silence = " _x3000"
    return {
        f'service_requests_total{{{HERE},method="GET",route="{route}",status="200"}}': f"0+{right}x{minutes}{silence}",
        f'service_requests_total{{{HERE},method="GET",route="{route}",status="503"}}': f"0+{wrong}x{minutes}{silence}",
    }


def durations(per_minute: float, *, slow: float, route: str = "/orders/{id}", minutes: int = 400) -> dict[str, str]:
    """Return series of durations of which some a minute take more than a second."""
    labels = f'{HERE},method="GET",route="{route}"'
    metric = "service_request_duration_seconds"
    return {
        f'{metric}_bucket{{{labels},le="1.0"}}': f"0+{per_minute - slow}x{minutes}",
        f'{metric}_bucket{{{labels},le="+Inf"}}': f"0+{per_minute}x{minutes}",
        f"{metric}_count{{{labels}}}": f"0+{per_minute}x{minutes}",
    }


def budget_alert(severity: str, slo: str) -> tuple[str, float]:
    """Return the sample of an alert that fires."""
    return (f'{{alertname="ErrorBudgetBurn",severity="{severity}",slo="{slo}"}}', 1)


AVAILABILITY_PAGE, AVAILABILITY_TICKET = budget_alert("page", "availability"), budget_alert("ticket", "availability")
LATENCY_PAGE, LATENCY_TICKET = budget_alert("page", "latency"), budget_alert("ticket", "latency")
CASES: dict[str, tuple[dict[str, str], str, list[tuple[str, float]]]] = {
    "what the objective allows is silent": (requests(6_000, wrong=5), "2h", []),
    "an outage pages within minutes": (requests(600, wrong=300), "5m", [AVAILABILITY_PAGE, AVAILABILITY_TICKET]),
    "six times the allowed errors page in the end": (
        requests(6_000, wrong=6_000 * 0.007),
        "2h",
        [AVAILABILITY_PAGE, AVAILABILITY_TICKET],
    ),
    "a slow burn is a ticket": (requests(6_000, wrong=6_000 * 0.0035), "2h", [AVAILABILITY_TICKET]),
    "no page goes on after the end": (
        requests(600, wrong=12, minutes=60) | requests(600, route="/orders.csv"),
        "1h40m",
        [AVAILABILITY_TICKET],
    ),
    "one of few requests is no trend": (requests(0.02, wrong=0.01), "3h", []),
    "no requests, no alert": ({}, "3h", []),
    "errors of probes do not count": (requests(600, wrong=600, route="/health/ready") | requests(60), "1h", []),
    "slow answers page": (durations(600, slow=200), "1h", [LATENCY_PAGE, LATENCY_TICKET]),
    "streams may stay open": (durations(600, slow=600, route="/stream") | durations(60, slow=0), "1h", []),
    "a template with a dot is that route only": (
        requests(600, wrong=600, route="/ordersXcsv"),
        "1h",
        [AVAILABILITY_PAGE, AVAILABILITY_TICKET],
    ),
}


@needs_promtool
@pytest.mark.parametrize("case", CASES)
def test_budgets_alert_when_they_must_and_not_otherwise(tmp_path: Path, case: str) -> None:
    """Prometheus itself evaluates the rules over made-up traffic."""
    series, at, expected = CASES[case]
    left_out = (*Objectives().left_out, "/orders.csv") if "dot" in case else Objectives().left_out
    service = declaration_of(
        application(left_out=left_out, untimed=("/stream",), latency_threshold=timedelta(seconds=1))
    )
    check_values(tmp_path, as_yaml(rules(service)), {**INFO, **series}, FIRING, at, expected)


OTHER_CASES: dict[str, tuple[str, dict[str, str], str]] = {
    "ServiceAbsent": ("10m", {"service_info": "_x100"}, ""),
    "HealthCheckFailing": ("10m", {f'service_health_status{{{HERE},check="database"}}': "1 0x100"}, 'check="database"'),
    "ServiceRestarting": (
        "15m",
        {'process_start_time_seconds{instance="one",job="maestro"}': "1x5 2 3 4 5x100"},
        'instance="one",job="maestro"',
    ),
    "OpenFilesRunningOut": (
        "15m",
        {
            'process_open_fds{instance="one",job="maestro"}': "95x100",
            'process_max_fds{instance="one",job="maestro"}': "100x100",
        },
        'instance="one",job="maestro"',
    ),
    "EventLoopBlocked": (
        "20m",
        {
            'asyncio_loop_lag_seconds_bucket{instance="one",job="maestro",le="0.5"}': "0+50x100",
            'asyncio_loop_lag_seconds_bucket{instance="one",job="maestro",le="1.0"}': "0+60x100",
            'asyncio_loop_lag_seconds_bucket{instance="one",job="maestro",le="+Inf"}': "0+60x100",
        },
        'instance="one",job="maestro"',
    ),
    "DiskFillingUp": (
        "2h",
        {
            f'service_disk_free_bytes{{{HERE},disk="data"}}': "1000-1x900",
            f'service_disk_size_bytes{{{HERE},disk="data"}}': "10000x900",
        },
        'disk="data",instance="one",job="maestro"',
    ),
    "SpansDropped": (
        "30m",
        {f'service_spans_dropped_total{{{HERE},reason="queue_full"}}': "0+5x100"},
        'reason="queue_full"',
    ),
    "MetricSeriesRefused": (
        "10m",
        {f'service_metric_series_refused_total{{{HERE},metric="visits_total"}}': "0+5x100"},
        'metric="visits_total"',
    ),
}


@needs_promtool
@pytest.mark.parametrize("alert", OTHER_CASES)
def test_each_alert_on_the_service_fires_on_its_fault(tmp_path: Path, alert: str, service: ServiceDeclaration) -> None:
    """Fed with its fault, it fires with the labels that say where."""
    at, series, labels = OTHER_CASES[alert]
    present = {} if alert == "ServiceAbsent" else INFO
    query = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
    severity = "page" if alert == "ServiceAbsent" else "ticket"
    named = f'ALERTS{{alertname="{alert}",alertstate="firing",service="orders",severity="{severity}"'
    expected = [(f"{named},{labels}}}" if labels else f"{named}}}", 1.0)]
    check_values(tmp_path, as_yaml(rules(service)), {**present, **series}, query, at, expected)


@needs_promtool
def test_a_healthy_service_is_silent(tmp_path: Path, service: ServiceDeclaration) -> None:
    """Nothing alerts on a service that has all of its metrics and no fault; one of another name is not looked at."""
    series = {
        **INFO,
        **requests(600),
        **durations(600, slow=0),
        f'service_health_status{{{HERE},check="database"}}': "1x500",
        'process_start_time_seconds{instance="one",job="maestro"}': "1x500",
        'process_open_fds{instance="one",job="maestro"}': "5x500",
        'process_max_fds{instance="one",job="maestro"}': "100x500",
        'process_open_fds{instance="two",job="maestro"}': "99x500",
        'process_max_fds{instance="two",job="maestro"}': "100x500",
        f'service_disk_free_bytes{{{HERE},disk="data"}}': "9000-0.001x500",
        f'service_disk_size_bytes{{{HERE},disk="data"}}': "10000x500",
        f'service_spans_dropped_total{{{HERE},reason="queue_full"}}': "3x500",
        f'service_metric_series_refused_total{{{HERE},metric="visits_total"}}': "0x500",
    }
    check_values(tmp_path, as_yaml(rules(service)), series, FIRING, "2h", [])


@needs_promtool
def test_what_is_left_of_a_budget_is_recorded(tmp_path: Path, service: ServiceDeclaration) -> None:
    """Half of the allowed errors leave half of the budget; no error at all leaves all of it."""
    query = 'round(service:slo_error_budget:remaining_ratio30d{slo="availability"}, 0.001)'
    labels = '{service="orders",slo="availability"}'
    text = as_yaml(rules(service))
    check_values(tmp_path, text, {**INFO, **requests(10_000, wrong=5)}, query, "3h", [(labels, 0.5)])
    check_values(tmp_path, text, {**INFO, **requests(10_000)}, query, "3h", [(labels, 1.0)])


@needs_promtool
@pytest.mark.parametrize("availability", [0.9, 0.99, 0.999, 0.99999])
def test_promtool_finds_no_fault(tmp_path: Path, availability: float) -> None:
    """Syntax, names and duplicates, for weak objectives and strong ones."""
    service = declaration_of(application(availability=availability, runbook_url="https://wiki.example/{alert}"))
    check_rules(tmp_path, rules(service))


def test_the_burn_rates_are_those_of_the_workbook() -> None:
    """Each uses the share of the budget that the book says, and has a short window of a twelfth."""
    budget_s = 30 * 24 * 3600
    shares = [(round(rate.factor * rate.long_s / budget_s, 3), rate.severity) for rate in BURN_RATES]
    assert shares == [(0.02, "page"), (0.05, "page"), (0.1, "ticket"), (0.1, "ticket")]
    assert all(rate.long_s == 12 * rate.short_s for rate in BURN_RATES)


def test_a_weak_objective_has_no_alert_that_could_never_fire() -> None:
    """With 10 % allowed, 14.4 times as much is more than all requests."""
    service = declaration_of(application(availability=0.9))
    (page,) = [
        rule
        for group in rules(service)["groups"]
        for rule in group["rules"]
        if rule.get("alert") == "ErrorBudgetBurn"
        and rule["labels"] == {"severity": "page", "service": "orders", "slo": "availability"}
    ]
    assert "14.4" not in page["expr"]
    assert "6 * 0.1" in page["expr"]


def test_alerts_lead_to_the_runbook() -> None:
    """The address has the alert's name where it says so."""
    document = rules(declaration_of(application(runbook_url="https://wiki.example/{alert}")))
    urls = {
        rule["alert"]: rule["annotations"]["runbook_url"]
        for group in document["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert urls["ErrorBudgetBurn"] == "https://wiki.example/ErrorBudgetBurn"
    assert urls["ServiceAbsent"] == "https://wiki.example/ServiceAbsent"


def test_yaml_is_what_was_meant(service: ServiceDeclaration) -> None:
    """A YAML reader of another make finds the same document, and the same service gives the same bytes."""
    document = rules(service)
    text = as_yaml(document, comment="Two lines\nof comment")
    assert YAML(typ="safe", pure=True).load(io.StringIO(text)) == document
    assert text == as_yaml(rules(service), comment="Two lines\nof comment")


@pytest.mark.parametrize(
    "document", [{"a": [], "b": {}, "c": [[1, 2], {"d": None}], "e": 'say "x"', "f": "a\n b", "g": "#: -", "h": True}]
)
def test_yaml_of_odd_documents(document: dict[str, Any]) -> None:
    """Empty, nested and awkward values come back as they were."""
    assert YAML(typ="safe", pure=True).load(io.StringIO(as_yaml(document))) == document


@pytest.mark.parametrize(
    ("objectives", "said"),
    [
        ({"availability": 1.0}, "between 0 and 1"),
        ({"latency": 99}, "between 0 and 1"),
        ({"latency_threshold": timedelta(milliseconds=300)}, "no bucket .* ends there; take one of 0.001"),
        ({"untimed": ("/strem",)}, "'/strem' in untimed, and there is none; there are /orders.csv"),
    ],
)
def test_objectives_that_cannot_be_measured_are_refused(objectives: dict[str, Any], said: str) -> None:
    """The error names what there is instead."""
    with pytest.raises(MonitoringError, match=said):
        declaration_of(application(**objectives))


def test_a_collector_alone_is_enough_and_something_else_is_not() -> None:
    """A worker without routes has dashboards, too."""
    service = declaration_of(MetricsCollector("worker"))
    assert (service.name, service.title, service.routes) == ("worker", "worker", ())
    with pytest.raises(MonitoringError, match="no attribute `metrics`"):
        declaration_of(object())


def test_routes_are_those_of_the_service(service: ServiceDeclaration) -> None:
    """Sorted by template, without health and metrics, and without what OpenAPI has beside methods."""
    assert service.routes == (
        ("GET", "/orders.csv"),
        ("DELETE", "/orders/{id}"),
        ("GET", "/orders/{id}"),
        ("GET", "/stream"),
    )
