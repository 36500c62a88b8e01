from typing import Any

from starlette.testclient import TestClient

from maestro_core_api import MaestroAPI
from maestro_core_monitoring import HealthCheckError


async def fails() -> None:
    """Fail, with a reason that may be shown."""
    raise HealthCheckError("the journal is not open")


async def passes() -> None:
    """Pass."""


def without_durations(checks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop what differs from run to run."""
    assert all(check.pop("duration_ms") >= 0 for check in checks)
    return checks


def test_a_healthy_service_is_ready(app: MaestroAPI, anonymous: TestClient) -> None:
    """Readiness lists the checks that passed."""
    app.health.add("journal", passes)
    answer = anonymous.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert without_durations(answer.json()["checks"]) == [{"name": "journal", "healthy": True}]


def test_a_failing_check_makes_the_service_unready_but_alive(app: MaestroAPI, anonymous: TestClient) -> None:
    """A failing readiness check is a 503 problem that names it; liveness stays 200."""
    app.health.add("journal", fails)
    app.health.add("cache", passes)
    answer = anonymous.get("/health/ready")
    document = answer.json()
    assert (answer.status_code, document["error_code"]) == (503, "NOT_READY")
    assert document["detail"] == "failing: journal"
    assert without_durations(document["checks"]) == [
        {"name": "journal", "healthy": False, "error": "the journal is not open"},
        {"name": "cache", "healthy": True},
    ]
    assert anonymous.get("/health/live").status_code == 200


def test_a_failing_liveness_check_asks_for_a_restart(app: MaestroAPI, anonymous: TestClient) -> None:
    """A failing liveness check is a 503 at /health/live alone."""
    app.health.add("loop", fails, kind="liveness")
    assert anonymous.get("/health/live").json()["error_code"] == "NOT_LIVE"
    assert anonymous.get("/health/ready").status_code == 200


def test_health_is_among_the_metrics(app: MaestroAPI, anonymous: TestClient) -> None:
    """The outcome of checks and all standard metrics are in the exposition."""
    app.health.add("journal", fails)
    anonymous.get("/health/ready")
    answer = anonymous.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'service_health_status{check="journal",service="orders"} 0.0' in answer.text
    for name in ("service_requests_total", "service_request_duration_seconds", "service_errors_total"):
        assert f"# TYPE {name}" in answer.text


def test_own_metrics_are_exposed(app: MaestroAPI, anonymous: TestClient) -> None:
    """A metric that the service adds is at /metrics too."""
    app.metrics.counter("orders_shipped_total", "Orders.").inc(3)
    assert "orders_shipped_total 3.0" in anonymous.get("/metrics").text


def test_what_is_not_critical_degrades(app: MaestroAPI, anonymous: TestClient) -> None:
    """The service is ready, and says what it does without."""
    app.health.add("cache", fails, critical=False)
    answer = anonymous.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert without_durations(answer.json()["checks"]) == [
        {"name": "cache", "healthy": False, "critical": False, "error": "the journal is not open"}
    ]


def test_a_service_has_started_once(app: MaestroAPI, anonymous: TestClient) -> None:
    """Until its checks have passed the answer is a 503 problem of its own code; afterwards it is told how long ago that was."""
    reasons: list[Exception | None] = [HealthCheckError("loading"), None]

    async def loaded() -> None:
        if (reason := reasons.pop(0)) is not None:
            raise reason

    app.health.add("model", loaded, kind="startup")
    assert anonymous.get("/health/ready").status_code == 200
    answer = anonymous.get("/health/startup")
    assert (answer.status_code, answer.json()["error_code"]) == (503, "NOT_STARTED")
    assert anonymous.get("/health/startup").status_code == 200
    later = anonymous.get("/health/startup")
    assert later.status_code == 200
    assert later.json()["checks"][0]["age_ms"] > 0
