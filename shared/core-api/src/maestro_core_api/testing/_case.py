"""`APITestCase`: test cases that call a service in process."""

import unittest
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from starlette.testclient import TestClient

from maestro_core_api._app import MaestroAPI
from maestro_core_monitoring.testing import CapturedSpan

from ._clock import FakeClock
from ._database import ScratchDatabase, TemporaryDatabase, scratch_database
from ._in_process import admin_headers, in_process_client, token_for
from ._telemetry import Telemetry, recorded_telemetry

_CLIENT_HEADERS = ("accept", "accept-encoding", "connection", "user-agent")
_DEFAULT_LIFETIME = timedelta(hours=1)


class APITestCase(unittest.TestCase):
    """Base of test cases that call a service in process.

    Set `app`, or override `create_app`. The client starts the application's lifespan when a test first uses it and
    stops it after the last test of the class.

    Example:
        class AnalyzeTest(APITestCase):
            app = build_app()

            def test_analyze(self) -> None:
                answer = self.client.post("/analyze", json={"input": "text"})
                self.assertEqual(answer.status_code, 200)
    """

    app: ClassVar[MaestroAPI | None] = None
    """The application under test."""
    database_path: ClassVar[Path | None] = None
    """File of the test database; None before `setup_test_db`, and where it was given another database."""
    database_url: ClassVar[str | None] = None
    """SQLAlchemy-style URL of the test database; None before `setup_test_db`."""

    _client: ClassVar[TestClient | None] = None
    _database: ClassVar[TemporaryDatabase | None] = None
    _clock: FakeClock
    _telemetry: Telemetry | None = None

    @classmethod
    def create_app(cls) -> MaestroAPI:
        """Build the application under test; the default returns `app`.

        Returns:
            The application.

        Raises:
            RuntimeError: The class neither sets `app` nor overrides this.
        """
        if cls.app is None:
            raise RuntimeError(
                f"{cls.__name__} tests no application: set the class attribute app or override create_app"
            )
        return cls.app

    @classmethod
    def setUpClass(cls) -> None:
        """Prepare the class; call it first when overriding."""
        super().setUpClass()
        cls._client = None
        cls._forget_database()

    @classmethod
    def setup_test_db(cls, database: AbstractContextManager[TemporaryDatabase] | None = None) -> None:
        """Give the class an empty database of its own, removed after its last test.

        Args:
            database: Makes it, such as `maestro_core_db.testing.temporary_postgres()`; None makes a SQLite file.
        """
        found: TemporaryDatabase = cls.enterClassContext(scratch_database() if database is None else database)
        cls.addClassCleanup(cls._forget_database)
        cls._database = found
        cls.database_path = found.path if isinstance(found, ScratchDatabase) else None
        cls.database_url = found.url

    def run(self, result: unittest.TestResult | None = None) -> unittest.TestResult | None:
        """Run the test with a clock of its own, and record what it logs, counts and traces.

        Log lines are kept in `telemetry.logs` instead of written.
        """
        self._clock = FakeClock()
        application = type(self).app
        with recorded_telemetry(None if application is None else application.metrics) as self._telemetry:
            return super().run(result)

    @property
    def fake_clock(self) -> FakeClock:
        """A clock of the test's own, for code that takes one; each test has a new one."""
        return self._clock

    @property
    def telemetry(self) -> Telemetry:
        """What the test has logged, counted and traced so far."""
        if self._telemetry is None:
            raise RuntimeError("nothing is recorded outside of a test that runs")
        return self._telemetry

    @property
    def client(self) -> TestClient:
        """The client, authenticated as an admin.

        It answers server errors as responses, the way a caller over the network sees them.
        """
        cls = type(self)
        if cls._client is None:
            # What the application counts while it starts belongs to the test that starts it.
            application = self._application()
            if self._telemetry is not None:
                self._telemetry.watch(application.metrics)
            client = in_process_client(application)
            client.__enter__()
            cls.addClassCleanup(client.__exit__, None, None, None)
            cls._client = client
        return cls._client

    @contextmanager
    def as_user(
        self, *, subject: str = "test", roles: Sequence[str] = (), scopes: Sequence[str] = ()
    ) -> Iterator[TestClient]:
        """Call as somebody else while the block runs.

        Args:
            subject: Name of the caller.
            roles: Roles of the caller; none by default.
            scopes: Scopes of the caller.

        Yields:
            The client, the same as `client`.
        """
        client = self.client
        before = client.headers.get("Authorization")
        client.headers["Authorization"] = f"Bearer {self.token(subject=subject, roles=roles, scopes=scopes)}"
        try:
            yield client
        finally:
            del client.headers["Authorization"]
            if before is not None:
                client.headers["Authorization"] = before

    @contextmanager
    def as_nobody(self) -> Iterator[TestClient]:
        """Call without a token while the block runs.

        Yields:
            The client, the same as `client`.
        """
        client = self.client
        before = client.headers.pop("Authorization", None)
        try:
            yield client
        finally:
            if before is not None:
                client.headers["Authorization"] = before

    def token(
        self,
        *,
        roles: Sequence[str] = ("admin",),
        subject: str = "test",
        scopes: Sequence[str] = (),
        expires_in: timedelta = _DEFAULT_LIFETIME,
    ) -> str:
        """Issue a token that the application under test accepts.

        Args:
            roles: Roles of the caller.
            subject: Name of the caller.
            scopes: Scopes of the caller.
            expires_in: How long it is valid; a negative time makes one that has expired.

        Returns:
            The token.

        Raises:
            RuntimeError: The application has no `jwt_secret_key`.
        """
        return token_for(self._application(), subject=subject, roles=roles, scopes=scopes, expires_in=expires_in)

    def auth(self, *roles: str) -> dict[str, str]:
        """Return headers of a caller with certain roles.

        Args:
            *roles: The roles; none at all for a caller without any.

        Returns:
            The `Authorization` header.
        """
        return {"Authorization": f"Bearer {self.token(roles=roles)}"}

    def reset_test_state(self) -> None:
        """Undo what earlier tests left: cookies, headers, dependency overrides, rows of the test database.

        The tables themselves stay. Override it to reset more, and call this one too.
        """
        cls = type(self)
        if cls._client is not None:
            cls._client.cookies.clear()
            for name in set(cls._client.headers) - set(_CLIENT_HEADERS):
                del cls._client.headers[name]
            cls._client.headers.update(self._default_headers())
            self._application().dependency_overrides.clear()
        if cls._database is not None:
            cls._database.empty()

    def assert_logged(self, event: str, /, *, times: int | None = None, **fields: Any) -> dict[str, Any]:
        """Fail unless the test logged an event; see `Telemetry.assert_logged`."""
        return self.telemetry.assert_logged(event, times=times, **fields)

    def assert_not_logged(self, event: str, /, **fields: Any) -> None:
        """Fail when the test logged an event; see `Telemetry.assert_not_logged`."""
        self.telemetry.assert_not_logged(event, **fields)

    def assert_counted(self, name: str, /, by: float | None = None, **labels: str) -> None:
        """Fail unless a metric of the application changed in the test; see `Telemetry.assert_counted`."""
        self.telemetry.assert_counted(name, by, **labels)

    def assert_span(
        self, name: str, /, attributes: Mapping[str, Any] | None = None, *, status: str | None = None
    ) -> CapturedSpan:
        """Fail unless a span ended in the test; see `Telemetry.assert_span`."""
        return self.telemetry.assert_span(name, attributes, status=status)

    @classmethod
    def _forget_database(cls) -> None:
        cls._database = None
        cls.database_path = None
        cls.database_url = None

    @classmethod
    def _application(cls) -> MaestroAPI:
        if cls.app is None:
            cls.app = cls.create_app()
        return cls.app

    def _default_headers(self) -> dict[str, str]:
        return admin_headers(self._application())
