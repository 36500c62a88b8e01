import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import maestro_core_logging
from maestro_core_api import APIConfig, MaestroAPI, SecurityConfig
from maestro_core_api import _log_levels as levels_module
from maestro_core_config import BaseConfig, ConfigManager
from maestro_core_logging import get_logger
from maestro_core_logging.testing import capture_logs

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


class FakeLevels:
    """What core-logging agreed to offer."""

    def __init__(self) -> None:
        self.levels = {"": "INFO"}
        self.calls: list[Any] = []

    def log_levels(self) -> dict[str, str]:
        return dict(self.levels)

    def set_log_level(self, level: str, logger: str | None = None, *, for_: timedelta | None = None) -> None:
        if level.upper() not in ("DEBUG", "INFO"):
            raise ValueError(f"there is no log level {level!r}")
        self.calls.append((logger, level, for_))
        self.levels[logger or ""] = level.upper()

    def reset_log_level(self, logger: str | None = None) -> None:
        self.calls.append((logger, "reset"))


def test_levels_are_shown_changed_and_taken_back(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root and named loggers; a change may be for a while; one that cannot be is a problem document."""
    fake = FakeLevels()
    monkeypatch.setattr(levels_module, "maestro_core_logging", fake)
    assert client.get("/ops/loggers").json()["levels"] == {"root": "INFO"}
    changed = client.put("/ops/loggers/orders.db", json={"level": "debug", "for_s": 60})
    assert changed.json()["levels"] == {"root": "INFO", "orders.db": "DEBUG"}
    client.put("/ops/loggers/root", json={"level": "DEBUG"})
    client.delete("/ops/loggers/orders.db")
    assert fake.calls == [
        ("orders.db", "debug", timedelta(seconds=60)),
        (None, "DEBUG", None),
        ("orders.db", "reset"),
    ]
    refused = client.put("/ops/loggers/root", json={"level": "LOUD"})
    assert (refused.status_code, refused.json()["error_code"]) == (422, "VALIDATION_FAILED")
    assert client.put("/ops/loggers/root", json={"level": "INFO", "for_s": 0}).status_code == 422


@pytest.mark.skipif(
    not hasattr(maestro_core_logging, "set_log_level"), reason="comes with another release of core-logging"
)
def test_a_level_really_changes(client: TestClient) -> None:
    """A debug line is written once the level says so, and no longer once it was taken back."""
    logger = get_logger("orders.ops")
    with capture_logs() as logs:
        client.put("/ops/loggers/orders.ops", json={"level": "DEBUG"})
        logger.debug("Now")
        client.delete("/ops/loggers/orders.ops")
        logger.debug("Not now")
    events = [line["event"] for line in logs]
    assert "Now" in events
    assert "Not now" not in events


def test_an_older_log_says_that_it_cannot(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the means to change levels the answer is 501 and says why."""
    monkeypatch.setattr(levels_module, "maestro_core_logging", object())
    assert client.get("/ops/loggers").json()["error_code"] == "NOT_OFFERED"


def test_security_is_not_shown(secret: str, auth: Callable[..., dict[str, str]]) -> None:
    """No operation shows the key that tokens are signed with."""
    config = APIConfig(title="Orders", service_name="orders", security=SecurityConfig(jwt_secret_key=secret))
    client = TestClient(MaestroAPI(config), headers=auth("admin"))
    assert not any(secret in client.get(f"/ops/{path}").text for path in PATHS)
