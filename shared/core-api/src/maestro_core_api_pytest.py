"""pytest's fixtures for tests of services; maestro-core-api brings them along, no import is needed.

It is a module beside the package, because pytest loads it in every run: the package itself is imported by the first
test that uses a fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from maestro_core_api import MaestroAPI
    from maestro_core_api.testing import FakeClock, ScratchDatabase, Telemetry


@pytest.fixture
def api_app() -> MaestroAPI:
    """The application under test: override this fixture in a conftest or test module."""
    raise pytest.UsageError("say what is tested: write a fixture api_app that returns the MaestroAPI")


@pytest.fixture
def api_client(api_app: MaestroAPI) -> Iterator[TestClient]:
    """A client of `api_app` in process, authenticated as an admin; the lifespan runs for the test."""
    from maestro_core_api.testing import in_process_client

    with in_process_client(api_app) as client:
        yield client


@pytest.fixture
def auth(api_app: MaestroAPI) -> Callable[..., dict[str, str]]:
    """Make the headers of a caller: `auth("viewer", scopes=["orders:read"])`."""
    from maestro_core_api.testing import token_for

    def headers(*roles: str, **claims: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {token_for(api_app, roles=roles, **claims)}"}

    return headers


@pytest.fixture
def as_user(api_app: MaestroAPI, api_client: TestClient) -> Callable[..., TestClient]:
    """Make `api_client` speak for somebody for the rest of the test: `as_user(roles=["viewer"]).get(…)`."""
    from maestro_core_api.testing import token_for

    def become(*, subject: str = "test", roles: tuple[str, ...] = (), scopes: tuple[str, ...] = ()) -> TestClient:
        token = token_for(api_app, subject=subject, roles=roles, scopes=scopes)
        api_client.headers["Authorization"] = f"Bearer {token}"
        return api_client

    return become


@pytest.fixture
def scratch_database() -> Iterator[ScratchDatabase]:
    """An empty SQLite file, removed after the test."""
    from maestro_core_api.testing import scratch_database as opened

    with opened() as database:
        yield database


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock that stands still until the test moves it."""
    from maestro_core_api.testing import FakeClock

    return FakeClock()


@pytest.fixture
def telemetry(request: pytest.FixtureRequest) -> Iterator[Telemetry]:
    """What the test logs and traces, and what `api_app` counts where the test uses it."""
    from maestro_core_api.testing import recorded_telemetry

    app = request.getfixturevalue("api_app") if "api_app" in request.fixturenames else None
    with recorded_telemetry(None if app is None else app.metrics) as recorded:
        yield recorded
