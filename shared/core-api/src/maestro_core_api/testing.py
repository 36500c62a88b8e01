"""What tests of services stand on: `APITestCase`, and a real server for one block."""

import sqlite3
import tempfile
import unittest
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import ClassVar

from starlette.testclient import TestClient

from ._app import MaestroAPI
from ._listener import bind
from ._server import serving
from ._tokens import issue_token

__all__ = ["APITestCase", "running"]

_CLIENT_HEADERS = ("accept", "accept-encoding", "connection", "user-agent")


@asynccontextmanager
async def running(app: MaestroAPI, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Serve an application on a real socket while the block runs.

    Args:
        app: The application; its lifespan runs.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Yields:
        The base URL.
    """
    with bind(host, port) as listener:
        async with serving(app, listener):
            assert app.bound_url is not None
            yield app.bound_url


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
    """File of the test database; None before `setup_test_db`."""
    database_url: ClassVar[str | None] = None
    """SQLAlchemy-style URL of the test database; None before `setup_test_db`."""

    _client: ClassVar[TestClient | None] = None

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
    def setup_test_db(cls) -> None:
        """Give the class an empty SQLite database of its own, removed after its last test."""
        folder = tempfile.TemporaryDirectory(prefix="maestro-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.addClassCleanup(cls._forget_database)
        cls.database_path = Path(folder.name) / "test.db"
        cls.database_path.touch()
        cls.database_url = f"sqlite:///{cls.database_path}"

    @property
    def client(self) -> TestClient:
        """The client, authenticated as an admin.

        It answers server errors as responses, the way a caller over the network sees them.
        """
        cls = type(self)
        if cls._client is None:
            client = TestClient(self._application(), raise_server_exceptions=False, headers=self._default_headers())
            client.__enter__()
            cls.addClassCleanup(client.__exit__, None, None, None)
            cls._client = client
        return cls._client

    def token(self, *, roles: Sequence[str] = ("admin",), subject: str = "test", scopes: Sequence[str] = ()) -> str:
        """Issue a token that the application under test accepts.

        Args:
            roles: Roles of the caller.
            subject: Name of the caller.
            scopes: Scopes of the caller.

        Returns:
            The token.

        Raises:
            RuntimeError: The application has no `jwt_secret_key`.
        """
        security = self._application().config.security
        if security.jwt_secret_key is None:
            raise RuntimeError("the application under test has no jwt_secret_key: give it a SecurityConfig")
        return issue_token(
            security.jwt_secret_key,
            subject=subject,
            roles=roles,
            scopes=scopes,
            issuer=security.issuer,
            audience=security.audience,
        )

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
        if cls.database_path is not None:
            _empty(cls.database_path)

    @classmethod
    def _forget_database(cls) -> None:
        cls.database_path = None
        cls.database_url = None

    @classmethod
    def _application(cls) -> MaestroAPI:
        if cls.app is None:
            cls.app = cls.create_app()
        return cls.app

    def _default_headers(self) -> dict[str, str]:
        configured = self._application().config.security.jwt_secret_key is not None
        return self.auth("admin") if configured else {}


def _empty(database: Path) -> None:
    """Delete the rows of all tables."""
    with closing(sqlite3.connect(database, timeout=10)) as connection, connection:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        for (name,) in names.fetchall():
            quoted = name.replace('"', '""')
            connection.execute(f'DELETE FROM "{quoted}"')  # noqa: S608 - the database's own table name, quoted
