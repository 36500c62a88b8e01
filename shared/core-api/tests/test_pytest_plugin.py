import subprocess
import sys
from pathlib import Path

import pytest

SERVICE = """
import sqlite3
from datetime import timedelta

import pytest
from fastapi import Depends

from maestro_core_api import APIConfig, MaestroAPI, SecurityConfig, require_role
from maestro_core_logging import get_logger


@pytest.fixture
def api_app():
    security = SecurityConfig(jwt_secret_key="a-secret-for-tests-of-at-least-32-bytes")
    app = MaestroAPI(APIConfig(title="Orders", service_name="orders", security=security))

    @app.post("/orders", dependencies=[Depends(require_role("operator"))])
    async def create() -> None:
        get_logger("orders").info("Order taken")

    return app


def test_identity_and_telemetry(api_client, as_user, auth, telemetry):
    assert api_client.post("/orders").status_code == 200
    assert api_client.post("/orders", headers=auth("viewer")).status_code == 403
    assert as_user(subject="ada", roles=["viewer"]).post("/orders").status_code == 403
    telemetry.assert_logged("Order taken", times=1)
    telemetry.assert_counted("service_requests_total", 2, status="403")
    telemetry.assert_span("POST /orders")


def test_clock_and_database(fake_clock, scratch_database):
    fake_clock.advance(timedelta(hours=1))
    assert fake_clock.monotonic() == 3600
    with sqlite3.connect(scratch_database.path) as connection:
        connection.execute("CREATE TABLE orders (id)")
    connection.close()
    scratch_database.empty()


def test_logs_alone(telemetry):
    get_logger("orders").warning("Stock is low")
    telemetry.assert_logged("Stock is low", level="warning")
"""

UNRELATED = """
import sys


def test_nothing_is_imported():
    loaded = {"fastapi", "maestro_core_api", "opentelemetry", "prometheus_client"} & set(sys.modules)
    assert loaded == set()
"""

NO_APP = """
def test_it(api_client):
    pass
"""


def run(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on one file, with nothing but what installed packages bring along."""
    (folder / "test_it.py").write_text(source)
    command = [
        sys.executable,
        "-B",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:schemathesis",
        "test_it.py",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=110, check=False)


@pytest.mark.parametrize(("source", "count"), [(SERVICE, 3), (UNRELATED, 1)])
def test_the_fixtures_come_with_the_package(tmp_path: Path, source: str, count: int) -> None:
    """Tests use them without an import, and a run that does not use them does not load the library."""
    done = run(tmp_path, source)
    assert f"{count} passed" in done.stdout, done.stdout + done.stderr


def test_the_application_has_to_be_named(tmp_path: Path) -> None:
    """Without a fixture api_app it is said what to write."""
    done = run(tmp_path, NO_APP)
    assert "write a fixture api_app that returns the MaestroAPI" in done.stdout


def test_the_library_does_not_need_pytest() -> None:
    """Where pytest is not installed, the library and its test cases load."""
    program = "import sys; sys.modules['pytest'] = None; import maestro_core_api, maestro_core_api.testing"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=110)
