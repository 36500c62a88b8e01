from typing import Any

import pytest

from maestro.bootstrap import create_app
from maestro.config import OrchestratorConfig
from maestro_core_api.testing import APITestCase

READS = ["/workflows", "/workflows/python/add/1.0.0", "/runs", "/personas", "/personas/summarizer", "/schedules"]
WRITES: list[tuple[str, str, Any]] = [
    ("PUT", "/workflows/tests/job/1.0.0", {}),
    ("POST", "/runs", {"workflow": "python/add", "input": {"a": 1}}),
    ("POST", "/runs/gone/signals/answer", None),
    ("POST", "/runs/gone/cancel", None),
    ("POST", "/runs/gone/updates/add", None),
    ("POST", "/schedules", {"id": "s", "workflow": "python/gone", "spec": {"every_s": 60}}),
    ("PUT", "/schedules/gone", {"workflow": "python/gone", "spec": {"every_s": 60}}),
    ("PATCH", "/schedules/gone", {}),
    ("DELETE", "/schedules/gone", None),
    *(("POST", f"/schedules/gone/{action}", None) for action in ("pause", "resume", "trigger")),
    ("POST", "/schedules/gone/backfill", {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}),
]


class TestRoles(APITestCase):
    @pytest.fixture(autouse=True)
    def orchestrator(self, config: OrchestratorConfig) -> None:
        type(self)._client = None
        type(self).app = create_app(config)

    def test_a_viewer_reads_and_changes_nothing(self) -> None:
        """A viewer gets every listing, and 403 with the role that is missing for every change."""
        for url in READS:
            assert self.client.get(url, headers=self.auth("viewer")).status_code == 200, url
        for method, url, body in WRITES:
            answer = self.client.request(method, url, json=body, headers=self.auth("viewer"))
            assert (answer.status_code, answer.json()["rule"]) == (403, "role:operator"), url

    def test_an_operator_changes(self) -> None:
        """An operator is let through to every change: what then refuses is the change itself."""
        answers = [self.client.request(m, u, json=b, headers=self.auth("operator")).status_code for m, u, b in WRITES]
        assert answers == [422, 202, *([404] * (len(WRITES) - 2))]

    def test_nothing_is_open_but_health_and_metrics(self) -> None:
        """Without a token, everything answers 401 except the service's health and metrics."""
        self.client.headers.pop("Authorization")
        for url in READS:
            assert self.client.get(url).status_code == 401, url
        for method, url, body in WRITES:
            assert self.client.request(method, url, json=body).status_code == 401, url
        assert self.client.get("/health/live").status_code == 200
        assert self.client.get("/health/ready").json()["checks"][0]["name"] == "journal"
        assert self.client.get("/metrics").status_code == 200
