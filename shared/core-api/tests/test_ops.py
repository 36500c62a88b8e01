import asyncio
import json
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from maestro_core_api import APIConfig, MaestroAPI, SecurityConfig
from maestro_core_config import BaseConfig, ConfigManager
from maestro_core_logging import configure_logging, get_logger, reset_log_level

PATHS = ("info", "loggers", "config", "routes", "health", "metrics", "tasks")


class OrdersConfig(BaseConfig):
    shelf: str = "a"


@pytest.mark.parametrize("path", PATHS)
def test_operations_are_for_admins(
    client: TestClient, anonymous: TestClient, auth: Callable[..., dict[str, str]], path: str
) -> None:
    """Without a token the answer is 401, with a lower role 403 that names the role."""
    assert anonymous.get(f"/ops/{path}").status_code == 401
    refused = client.get(f"/ops/{path}", headers=auth("approver"))
    assert (refused.status_code, refused.json()["rule"]) == (403, "role:admin")


def test_operations_can_be_left_out(make_app: Callable[..., MaestroAPI], auth: Callable[..., dict[str, str]]) -> None:
    """A service may go without them."""
    app = make_app(enable_ops=False)
    assert TestClient(app, headers=auth("admin")).get("/ops/info").status_code == 404


def test_info_says_what_runs(client: TestClient) -> None:
    """Service, versions, process and uptime."""
    info = client.get("/ops/info").json()
    assert (info["service"], info["version"], info["workers"], info["worker"]) == ("orders", "1.0.0", 1, None)
    assert info["uptime_s"] >= 0
    assert info["requests_in_flight"] == 1
    assert {"maestro-core-api", "fastapi", "granian"} <= set(info["packages"])


def test_config_is_explained_and_masked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, auth: Callable[..., dict[str, str]], secret: str
) -> None:
    """Each setting has its value, its source and what it won over; secrets are masked."""
    monkeypatch.setenv("MAESTRO_CONFIG_DIR", str(tmp_path))
    (tmp_path / "orders.yaml").write_text("shelf: b\n")
    monkeypatch.setenv("ORDERS_SHELF", "c")
    monkeypatch.setenv("ORDERS_JWT_SECRET", secret)
    manager = ConfigManager(OrdersConfig)
    app = MaestroAPI(APIConfig.from_config(manager.load(), title="Orders"), settings=manager)
    answer = TestClient(app, headers=auth("admin")).get("/ops/config")
    settings = {item["name"]: item for item in answer.json()["settings"]}
    assert (settings["shelf"]["value"], settings["shelf"]["source"]) == ("c", "ORDERS_SHELF")
    assert [item["value"] for item in settings["shelf"]["overridden"]] == ["b", "a"]
    assert secret not in answer.text
    assert settings["jwt_secret"]["source"] == "ORDERS_JWT_SECRET"


def test_unknown_settings_say_what_to_do(client: TestClient) -> None:
    """A service that was not given its ConfigManager says how to."""
    answer = client.get("/ops/config")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "SETTINGS_UNKNOWN")
    assert "settings=" in answer.json()["detail"]


def test_routes_are_listed(app: MaestroAPI, client: TestClient) -> None:
    """Each route has its path, methods, endpoint and whether it is public."""

    @app.get("/orders/{number}")
    async def order(number: int) -> None: ...

    routes = {route["path"]: route for route in client.get("/ops/routes").json()["routes"]}
    assert routes["/orders/{number}"]["methods"] == ["GET"]
    assert routes["/orders/{number}"]["endpoint"].endswith("order")
    assert (routes["/orders/{number}"]["public"], routes["/health/live"]["public"]) == (False, True)
    assert "/ops/loggers/{name}" in routes


def test_health_is_told_in_full(app: MaestroAPI, client: TestClient) -> None:
    """Checks of every kind with their outcome; a failing one is no error of this answer."""

    async def fails() -> None:
        raise RuntimeError("gone")

    app.health.add("journal", fails)
    report = client.get("/ops/health").json()
    assert report["readiness"]["healthy"] is False
    assert report["readiness"]["checks"][0]["name"] == "journal"
    assert report["liveness"] == {"healthy": True, "checks": []}


def test_metrics_are_there(client: TestClient) -> None:
    """The exposition is the one of /metrics."""
    client.get("/nowhere")
    assert "service_requests_total" in client.get("/ops/metrics").text


def test_tasks_have_stacks(app: MaestroAPI, client: TestClient) -> None:
    """Tasks are listed with what they wait in, at most 200 of them."""

    @app.post("/start")
    async def start() -> None:
        app.state.waiting = [asyncio.create_task(asyncio.Event().wait(), name=f"waiting-{n:03}") for n in range(250)]

    client.post("/start")
    report = client.get("/ops/tasks").json()
    assert report["count"] > 250
    assert len(report["tasks"]) == 200
    waiting = [task for task in report["tasks"] if task["name"].startswith("waiting-")]
    assert waiting
    assert "Event.wait" in waiting[0]["stack"][-1]


@pytest.fixture
def _levels() -> Iterator[None]:
    """Take every level back afterwards."""
    yield
    reset_log_level("orders.db")
    reset_log_level()


@pytest.mark.usefixtures("_levels")
def test_levels_are_shown_changed_and_taken_back(client: TestClient) -> None:
    """Root and named loggers; a change may be for a while; one that cannot be is a problem document."""
    before = client.get("/ops/loggers").json()["levels"]
    assert "orders.db" not in before
    changed = client.put("/ops/loggers/orders.db", json={"level": "debug", "for_s": 60})
    assert changed.json()["levels"] == before | {"orders.db": "DEBUG"}
    assert client.put("/ops/loggers/root", json={"level": "ERROR"}).json()["levels"]["root"] == "ERROR"
    client.delete("/ops/loggers/orders.db")
    client.delete("/ops/loggers/root")
    assert client.get("/ops/loggers").json()["levels"] == before
    refused = client.put("/ops/loggers/root", json={"level": "LOUD"})
    assert (refused.status_code, refused.json()["error_code"]) == (422, "VALIDATION_FAILED")
    for impossible in (0, 1e300):
        assert client.put("/ops/loggers/root", json={"level": "INFO", "for_s": impossible}).status_code == 422


@pytest.mark.usefixtures("_levels")
def test_a_level_really_changes(client: TestClient) -> None:
    """A line is not written while the level forbids it, and is again once the level was taken back."""
    logger = get_logger("orders.db")
    stream = StringIO()
    configure_logging("orders", "json", stream=stream)
    client.put("/ops/loggers/orders.db", json={"level": "ERROR"})
    logger.warning("Not now")
    client.delete("/ops/loggers/orders.db")
    logger.warning("Now")
    configure_logging("orders")
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert "Now" in events
    assert "Not now" not in events


def test_security_is_not_shown(secret: str, auth: Callable[..., dict[str, str]]) -> None:
    """No operation shows the key that tokens are signed with."""
    config = APIConfig(title="Orders", service_name="orders", security=SecurityConfig(jwt_secret_key=secret))
    client = TestClient(MaestroAPI(config), headers=auth("admin"))
    assert not any(secret in client.get(f"/ops/{path}").text for path in PATHS)
