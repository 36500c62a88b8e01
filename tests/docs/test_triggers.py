"""The examples of docs/triggers.md do what the page says."""

from __future__ import annotations

import base64
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from maestro_core_api.testing import in_process_client
from orchestration_gateway.bootstrap import create_app
from orchestration_gateway.config import OrchestrationGatewayConfig

EXAMPLES = Path(__file__).parents[2] / "docs" / "triggers"
KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()


def _signed(*arguments: Any) -> tuple[bytes, dict[str, str]]:
    spec = importlib.util.spec_from_file_location("example_send", EXAMPLES / "send.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: tuple[bytes, dict[str, str]] = module.signed(*arguments)
    return found


def test_the_files_are_triggers_and_the_sender_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file declares a trigger; what the sender signs is accepted once, filtered and keyed as the file says."""
    monkeypatch.setenv("MAESTRO_SECRET_SHOP_ORDERS", KEY)
    settings = {
        "jwt_secret": "replace-this-by-at-least-32-bytes",
        "environment": "test",
        "data_dir": tmp_path,
        "triggers_dir": EXAMPLES,
        "orchestrator_url": "http://127.0.0.1:1",
    }
    with in_process_client(create_app(OrchestrationGatewayConfig.model_validate(settings))) as client:
        names = [each["name"] for each in client.get("/triggers").json()["triggers"]]
        assert names == ["nightly-report", "shop-orders", "stock-low"]
        paid = {"type": "order.paid", "data": {"id": 17, "total": 9}}
        body, headers = _signed(KEY, "msg_1", paid)
        first = client.post("/hooks/shop-orders", content=body, headers=headers)
        assert first.status_code == 202, first.text
        body, headers = _signed(KEY, "msg_2", {**paid, "at": "later"})
        second = client.post("/hooks/shop-orders", content=body, headers=headers)
        assert second.json()["run_id"] == first.json()["run_id"]
        body, headers = _signed(KEY, "msg_3", {**paid, "type": "order.seen"})
        assert client.post("/hooks/shop-orders", content=body, headers=headers).json()["status"] == "filtered"
        shown = client.get(f"/deliveries/{first.json()['delivery_id']}").json()
        assert shown["input"] == {"order": 17, "total": 9}
