import contextlib
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

EXAMPLES = Path(__file__).parents[3] / "docs" / "services" / "examples"
PAGE = EXAMPLES.parents[1] / "services.md"


@contextlib.contextmanager
def served(name: str, folder: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run an example as its reader would, and return the process and where it listens."""
    with subprocess.Popen(
        [sys.executable, EXAMPLES / name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder,
        env={**os.environ, "SHOP_LOG_FORMAT": "json", **settings},
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            for line in process.stdout:
                event = json.loads(line) if line.startswith("{") else {}
                if event.get("event") == "Serving":
                    yield process, event["url"]
                    return
            raise AssertionError(f"{name} ended with {process.wait(60)}")
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("name", "settings"), [("first.py", {}), ("moved.py", {}), ("running.py", {"SHOP_WORKERS": "2"})]
)
def test_an_example_serves_and_stops(
    name: str, settings: dict[str, str], tmp_path: Path, secret: str, auth: Callable[..., dict[str, str]]
) -> None:
    """Each service of the page starts, wants a token, answers one who has it, and stops gracefully."""
    with served(name, tmp_path, SHOP_JWT_SECRET=secret, **settings) as (process, url):
        with httpx2.Client(trust_env=False, timeout=60) as client:
            asked = ("POST", "/reports?month=may") if name == "running.py" else ("GET", "/orders/7")
            assert client.request(asked[0], url + asked[1]).status_code == 401
            assert client.request(asked[0], url + asked[1], headers=auth("operator")).status_code == 200
            if name == "running.py":
                settings_told = client.get(f"{url}/ops/config", headers=auth("admin")).json()["settings"]
                assert {"name": "workers", "value": 2, "source": "SHOP_WORKERS"}.items() <= next(
                    item for item in settings_told if item["name"] == "workers"
                ).items()
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        process.stdout.read()
        assert process.wait(60) == 0


def test_both_sides_of_the_move_answer_alike(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, secret: str, auth: Callable[..., dict[str, str]]
) -> None:
    """The service on plain FastAPI and the one it becomes give the same answers, errors in their own shapes."""
    monkeypatch.setenv("SHOP_JWT_SECRET", secret)
    monkeypatch.chdir(tmp_path)
    plain = TestClient(runpy.run_path(str(EXAMPLES / "plain.py"))["app"])
    moved = TestClient(runpy.run_path(str(EXAMPLES / "moved.py"))["app"], headers=auth("viewer"))
    assert plain.get("/orders/7").json() == moved.get("/orders/7").json() == {"number": 7}
    assert plain.get("/orders/100").status_code == moved.get("/orders/100").status_code == 404
    assert moved.get("/orders/100").json()["error_code"] == "ORDER_NOT_FOUND"


def test_the_page_shows_every_example() -> None:
    """No example lies about that the page does not show."""
    text = PAGE.read_text("utf-8")
    assert all(f"docs/services/examples/{path.name}" in text for path in EXAMPLES.glob("*.py"))
