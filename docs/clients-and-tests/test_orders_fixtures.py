"""The service in process, with fixtures."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from orders_service import create_app
from starlette.testclient import TestClient

from maestro_core_api import MaestroAPI
from maestro_core_api.testing import FakeClock, Telemetry


@pytest.fixture
def api_app() -> MaestroAPI:
    return create_app("replace-this-by-at-least-32-bytes")


def test_an_operator_takes_orders(as_user: Callable[..., TestClient], telemetry: Telemetry) -> None:
    as_user(subject="ada", roles=["operator"]).post("/orders", params={"article": "lamp"})
    telemetry.assert_logged("Order taken", number=0)
    telemetry.assert_counted("orders_taken_total", 1, article="lamp")


def test_a_viewer_does_not(api_client: TestClient, auth: Callable[..., dict[str, str]]) -> None:
    answer = api_client.post("/orders", params={"article": "lamp"}, headers=auth("viewer"))
    assert answer.status_code == 403


# region: clock
class Basket:
    """Holds articles for half an hour; it takes its clock as an argument."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = clock() + 1800

    @property
    def is_open(self) -> bool:
        """Whether the half hour is not over."""
        return self._clock() < self._until


def test_a_basket_closes(fake_clock: FakeClock) -> None:
    basket = Basket(fake_clock.monotonic)
    fake_clock.advance(timedelta(minutes=29))
    assert basket.is_open
    fake_clock.advance(timedelta(minutes=1))
    assert not basket.is_open


# endregion: clock
