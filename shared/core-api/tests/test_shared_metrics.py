from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from maestro_core_api import APIConfig, MaestroAPI, public


def application() -> MaestroAPI:
    """A service as each worker builds it."""
    app = MaestroAPI(APIConfig(title="Orders", service_name="orders", version="1.2.3"))

    @app.get("/orders/{id}")
    @public
    async def order(id: str) -> str:  # noqa: A002
        return id

    return app


def test_workers_show_what_all_of_them_have_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that the parent names makes one set of metrics out of two applications."""
    monkeypatch.setenv("MAESTRO_WORKERS_DIR", str(tmp_path))
    with TestClient(application()) as one, TestClient(application()) as two:
        for client in (one, two, two):
            assert client.get("/orders/17").status_code == 200
        line = 'service_requests_total{method="GET",route="/orders/{id}",service="orders",status="200"} 3.0'
        assert line in one.get("/metrics").text
        assert line in two.get("/metrics").text


def test_metrics_come_in_the_format_that_is_asked_for() -> None:
    """OpenMetrics for Prometheus, the text format for people; what runs and how the loop is are among them."""
    with TestClient(application()) as client:
        openmetrics = client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
        assert openmetrics.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
        assert openmetrics.text.endswith("# EOF\n")
        text = client.get("/metrics")
        assert text.headers["content-type"].startswith("text/plain")
        assert 'service_info{service="orders",version="1.2.3"} 1.0' in text.text
        assert "asyncio_loop_lag_seconds_count" in text.text
