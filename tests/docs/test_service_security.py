"""The examples of docs/service-security.md do what the page says."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from starlette.testclient import TestClient

from maestro_core_api import issue_token

EXAMPLES = Path(__file__).parents[2] / "docs" / "service-security"
SECRET = "replace-this-by-at-least-32-bytes"

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Run an example in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)  # where pydantic looks for what an annotation names
        spec.loader.exec_module(module)
        return module

    return run


def client(module: ModuleType, *roles: str, **claims: Any) -> TestClient:
    """A caller of an example's service."""
    token = issue_token(SECRET, subject="ada", roles=roles, **claims)
    return TestClient(module.app, headers={"Authorization": f"Bearer {token}"})


def test_roles_and_scopes(load: Load) -> None:
    """Public, known, in a role, with a scope: each endpoint wants what it says."""
    module = load("secured_orders")
    assert TestClient(module.app).get("/about").status_code == 200
    viewer = client(module, "viewer", audience="orders")
    assert viewer.get("/me").json() == {"subject": "ada", "issuer": "maestro"}
    assert viewer.delete("/orders/7").json()["rule"] == "role:operator"
    assert viewer.post("/orders").json()["rule"] == "scope:orders:write"
    assert client(module, "operator", audience="orders", scopes=["orders:write"]).post("/orders").status_code == 200


async def test_machine_keys(load: Load) -> None:
    """A key is given out, used, and taken back at once."""
    module = load("machine_keys")
    key = await module.give_key_to("printer")
    caller = TestClient(module.app, headers={"X-API-Key": key})
    assert caller.get("/orders").json() == {"asked_by": "printer"}
    await module.take_back(key.split("_")[1])
    assert caller.get("/orders").json()["error_code"] == "API_KEY_REVOKED"


def test_limits(load: Load) -> None:
    """The third export is refused by its own rule, and each answer tells where the caller stands."""
    caller = client(load("limited_exports"))
    first = caller.post("/exports")
    assert first.status_code == 202
    assert '"per-caller";q=100;w=60' in first.headers["ratelimit-policy"]
    assert caller.post("/exports").status_code == 202
    assert caller.post("/exports").json()["rule"] == "exports"


def test_once(load: Load) -> None:
    """The same request twice is one order."""
    caller = client(load("orders_once"))
    answers = [caller.post("/orders", json={"article": "a"}, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.json() for answer in answers] == [{"number": 1}] * 2
    assert answers[1].headers["idempotency-replayed"] == "true"


def test_pages(load: Load) -> None:
    """The pages hold every order once."""
    caller, numbers, cursor = client(load("order_pages")), [], None
    while True:
        page = caller.get("/orders", params={} if cursor is None else {"cursor": cursor}).json()
        numbers += [order["number"] for order in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert numbers == list(range(120))


def test_versions(load: Load) -> None:
    """A version that is known is not sent again, and one that is over is not overwritten."""
    caller = client(load("order_versions"))
    tag = caller.get("/address").headers["etag"]
    assert caller.get("/address", headers={"If-None-Match": tag}).status_code == 304
    assert caller.put("/address", json={"street": "x"}, headers={"If-Match": tag}).json()["version"] == 2
    assert caller.put("/address", json={"street": "y"}, headers={"If-Match": tag}).status_code == 412
    assert caller.put("/address", json={"street": "y"}).status_code == 428
