"""The service in process, with `unittest`."""

from datetime import timedelta

from orders_service import create_app

from maestro_core_api.testing import APITestCase


class OrdersTest(APITestCase):
    app = create_app("replace-this-by-at-least-32-bytes")

    def setUp(self) -> None:
        """Undo what the test before has left."""
        super().setUp()
        self.reset_test_state()

    def test_an_operator_takes_orders(self) -> None:
        """An order leaves its line, its count and its span."""
        with self.as_user(subject="ada", roles=["operator"]) as client:
            number = client.post("/orders", params={"article": "lamp"}).json()["number"]
        self.assert_logged("Order taken", number=number)
        self.assert_logged("Request answered", principal="ada", status=200)
        self.assert_counted("orders_taken_total", 1, article="lamp")
        self.assert_span("POST /orders", {"http.response.status_code": 200})

    def test_a_viewer_does_not(self) -> None:
        """Viewers are refused, and nothing happens."""
        with self.as_user(roles=["viewer"]) as client:
            assert client.post("/orders", params={"article": "lamp"}).json()["error_code"] == "ROLE_REQUIRED"
        self.assert_not_logged("Order taken")

    def test_nor_does_whoever_comes_too_late(self) -> None:
        """A token of the past is told from a bad one."""
        token = self.token(roles=["operator"], expires_in=timedelta(hours=-1))
        answer = self.client.get("/orders", headers={"Authorization": f"Bearer {token}"})
        assert answer.json()["error_code"] == "TOKEN_EXPIRED"
