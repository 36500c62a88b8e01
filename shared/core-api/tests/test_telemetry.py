import unittest
from datetime import timedelta
from typing import Any

import pytest
from opentelemetry import trace

from maestro_core_api import APIConfig, MaestroAPI, SecurityConfig
from maestro_core_api.testing import APITestCase, recorded_telemetry, token_for
from maestro_core_logging import get_logger
from maestro_core_monitoring import MetricsCollector

_logger = get_logger("orders")


def build_app() -> MaestroAPI:
    """An application that logs, counts and traces each order, and fails for number 13."""
    security = SecurityConfig.model_validate({"jwt_secret_key": "a-secret-for-tests-of-at-least-32-bytes"})
    app = MaestroAPI(APIConfig(title="Orders", service_name="orders", security=security))
    orders = app.metrics.counter("orders_total", "Orders.", ("kind",))

    @app.post("/orders/{number}")
    async def order(number: int) -> None:
        with trace.get_tracer("orders").start_as_current_span("order", attributes={"order.number": number}):
            if number == 13:
                raise ValueError("unlucky")
            orders.labels("even" if number % 2 == 0 else "odd").inc()
            _logger.info("Order taken", number=number)

    return app


class OrdersTest(APITestCase):
    @classmethod
    def create_app(cls) -> MaestroAPI:
        return build_app()

    def test_each_test_sees_its_own(self) -> None:
        """Logs, metrics and spans of a test are asserted on, with fields, labels and attributes."""
        for number in (2, 4, 5):
            self.client.post(f"/orders/{number}")
        assert self.assert_logged("Order taken", number=4)["level"] == "info"
        self.assert_logged("Order taken", times=3)
        self.assert_not_logged("Order taken", number=13)
        self.assert_counted("orders_total", 2, kind="even")
        self.assert_counted("orders_total", 3)
        self.assert_counted("service_requests_total", status="200")
        self.assert_counted("orders_total", 0, kind="none")
        self.assert_span("order", {"order.number": 5}, status="unset")

    test_and_nothing_of_the_one_before = test_each_test_sees_its_own

    def test_errors_are_seen_too(self) -> None:
        """A failing request leaves its error in all three."""
        assert self.client.post("/orders/13").status_code == 500
        self.assert_logged("Unhandled exception")
        self.assert_counted("service_errors_total", 1, error_code="INTERNAL_ERROR")
        self.assert_span("order", status="error")

    def test_callers_are_played_for_a_block(self) -> None:
        """as_user and as_nobody change who calls, and only for their block."""
        with self.as_user(subject="ada", roles=["viewer"]) as client:
            client.post("/orders/1")
        self.assert_logged("Request answered", principal="ada")
        with self.as_nobody() as client:
            assert client.post("/orders/1").json()["error_code"] == "AUTH_REQUIRED"
        self.client.post("/orders/1")
        self.assert_logged("Request answered", principal="test")

    def test_an_expired_token_can_be_had(self) -> None:
        """A negative lifetime makes a token of the past."""
        token = self.token(expires_in=timedelta(hours=-1))
        answer = self.client.post("/orders/1", headers={"Authorization": f"Bearer {token}"})
        assert answer.json()["error_code"] == "TOKEN_EXPIRED"

    def test_the_clock_is_the_test_s_own(self) -> None:
        """A test begins with a clock that nobody has moved."""
        assert self.fake_clock.monotonic() == 0.0
        self.fake_clock.advance(timedelta(days=1))

    test_whatever_others_do_with_theirs = test_the_clock_is_the_test_s_own


def failing(check: Any) -> str:
    """Return what a failing assertion says, in a test case of unittest."""

    class Case(APITestCase):
        app = build_app()

        def test_it(self) -> None:
            self.client.post("/orders/2")
            check(self)

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    assert not result.errors
    ((_, message),) = result.failures
    return message


@pytest.mark.parametrize(
    ("check", "shown"),
    [
        (lambda case: case.assert_logged("Order lost"), "'Order taken' {"),
        (lambda case: case.assert_logged("Order taken", number=3), "'number': 2"),
        (lambda case: case.assert_logged("Order taken", times=2), "1 times, not 2 times"),
        (lambda case: case.assert_not_logged("Order taken"), "was logged"),
        (lambda case: case.assert_counted("orders_total", kind="odd"), "{'kind': 'even'} changed by 1"),
        (lambda case: case.assert_counted("orders_total", 2), "changed by 1, not by 2"),
        (lambda case: case.assert_span("payment"), "'order' unset {'order.number': 2}"),
        (lambda case: case.assert_span("order", {"order.number": 3}), "no span 'order' with"),
        (lambda case: case.assert_span("order", status="error"), "and status error"),
    ],
)
def test_a_failure_shows_what_there_was(check: Any, shown: str) -> None:
    """Each assertion can fail, and its message shows what happened instead."""
    assert shown in failing(check)


def test_recordings_nest_and_end() -> None:
    """What happens after a block is not in it; without an application nothing is counted."""
    with recorded_telemetry() as outer:
        with recorded_telemetry(MetricsCollector("x")) as inner, trace.get_tracer("t").start_as_current_span("one"):
            pass
        with trace.get_tracer("t").start_as_current_span("two"):
            pass
    assert [span.name for span in inner.spans] == ["one"]
    assert [span.name for span in outer.spans] == ["one", "two"]
    with pytest.raises(AssertionError, match="nothing"):
        outer.assert_counted("orders_total")


def test_a_token_needs_a_key() -> None:
    """An application without a key is told apart from a forbidden call."""
    with pytest.raises(RuntimeError, match="jwt_secret_key"):
        token_for(MaestroAPI(APIConfig(title="Orders", service_name="orders")))
