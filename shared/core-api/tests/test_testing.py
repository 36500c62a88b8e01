import sqlite3
import unittest
from contextlib import asynccontextmanager, closing
from typing import Annotated, Any

import pytest
from fastapi import Depends
from fastapi.testclient import TestClient

from maestro_core_api import APIConfig, MaestroAPI, Principal, SecurityConfig, current_principal, require_role
from maestro_core_api.testing import APITestCase

steps: list[str] = []


def build_app(secret: str | None = "a-secret-for-tests-of-at-least-32-bytes") -> MaestroAPI:
    """An application whose lifespan leaves a trail."""

    @asynccontextmanager
    async def lifespan(app: MaestroAPI) -> Any:
        steps.append("open")
        yield
        steps.append("close")

    security = SecurityConfig.model_validate({"jwt_secret_key": secret})
    app = MaestroAPI(APIConfig(title="Orders", service_name="orders", security=security), lifespan=lifespan)

    @app.get("/me")
    async def me(principal: Annotated[Principal, Depends(current_principal)]) -> dict[str, Any]:
        return {"subject": principal.subject, "roles": sorted(principal.roles)}

    @app.post("/operate", dependencies=[Depends(require_role("operator"))])
    async def operate() -> None: ...

    @app.get("/boom")
    async def boom() -> None:
        raise KeyError("x")

    return app


def run(case: type[APITestCase]) -> unittest.TestResult:
    """Run a test case as unittest does."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


class InProcess(APITestCase):
    app = build_app()

    def test_the_client_is_an_admin(self) -> None:
        """The client is authenticated as an admin."""
        assert self.client.get("/me").json() == {"subject": "test", "roles": ["admin"]}

    def test_other_callers_can_be_played(self) -> None:
        """Auth and token make callers with other roles."""
        assert self.client.post("/operate", headers=self.auth("viewer")).status_code == 403
        assert self.client.post("/operate", headers=self.auth("operator")).status_code == 200
        token = self.token(subject="ada", roles=["viewer"])
        answer = self.client.get("/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.json() == {"subject": "ada", "roles": ["viewer"]}

    def test_server_errors_are_answers(self) -> None:
        """An exception in an endpoint is seen as callers see it."""
        assert self.client.get("/boom").json()["error_code"] == "INTERNAL_ERROR"


def test_the_lifespan_runs_once_per_class() -> None:
    """The application starts with the first use of the client and stops after the last test of the class."""

    class Case(APITestCase):
        @classmethod
        def create_app(cls) -> MaestroAPI:
            return build_app()

        def test_one(self) -> None:
            assert self.client.get("/me").status_code == 200

        def test_two(self) -> None:
            assert isinstance(self.client, TestClient)

    steps.clear()
    result = run(Case)
    assert result.wasSuccessful(), result.errors
    assert result.testsRun == 2
    assert steps == ["open", "close"]


def test_the_database_is_the_class_s_own_and_goes_away() -> None:
    """setup_test_db gives an empty SQLite file, reset_test_state empties its tables, and the file goes with the class."""
    seen = []

    class Case(APITestCase):
        @classmethod
        def setUpClass(cls) -> None:
            super().setUpClass()
            cls.setup_test_db()
            assert cls.database_path is not None
            with closing(sqlite3.connect(cls.database_path)) as connection, connection:
                connection.execute("PRAGMA foreign_keys = ON")
                connection.execute('CREATE TABLE "or""ders" (id INTEGER PRIMARY KEY AUTOINCREMENT)')
                connection.execute('CREATE TABLE lines (id INTEGER REFERENCES "or""ders" (id))')

        def setUp(self) -> None:
            super().setUp()
            self.reset_test_state()

        def check(self) -> None:
            assert self.database_path is not None
            assert self.database_url == f"sqlite:///{self.database_path}"
            seen.append(self.database_path)
            with closing(sqlite3.connect(self.database_path)) as connection, connection:
                assert connection.execute('SELECT count(*) FROM "or""ders"').fetchone() == (0,)
                connection.execute('INSERT INTO "or""ders" DEFAULT VALUES')
                connection.execute("INSERT INTO lines VALUES (1)")

        test_one = check
        test_two = check

    result = run(Case)
    assert result.wasSuccessful(), result.errors
    assert len(seen) == 2
    assert len(set(seen)) == 1
    assert not seen[0].exists()
    assert Case.database_path is None


def test_state_of_earlier_tests_is_undone() -> None:
    """reset_test_state undoes cookies, headers and dependency overrides."""

    class Case(APITestCase):
        @classmethod
        def create_app(cls) -> MaestroAPI:
            return build_app()

        def setUp(self) -> None:
            super().setUp()
            self.reset_test_state()

        def check(self) -> None:
            assert self.client.get("/me").json() == {"subject": "test", "roles": ["admin"]}
            assert "x-left" not in self.client.headers
            assert dict(self.client.cookies) == {}
            self.client.headers["authorization"] = "Bearer nonsense"
            self.client.headers["x-left"] = "over"
            self.client.cookies.set("left", "over")
            self._application().dependency_overrides[current_principal] = lambda: Principal("left-over")

        test_one = check
        test_two = check

    result = run(Case)
    assert result.wasSuccessful(), result.errors + result.failures


def test_mistakes_are_explained() -> None:
    """A class without an application, and an application without a key, say what to do."""

    class NoApp(APITestCase):
        def test_it(self) -> None:
            with pytest.raises(RuntimeError, match="create_app"):
                _ = self.client

    class NoKey(APITestCase):
        app = build_app(secret=None)

        def test_it(self) -> None:
            assert self.client.get("/me").json()["error_code"] == "AUTH_NOT_CONFIGURED"
            with pytest.raises(RuntimeError, match="jwt_secret_key"):
                self.token()

    for case in (NoApp, NoKey):
        result = run(case)
        assert result.wasSuccessful(), result.errors + result.failures
