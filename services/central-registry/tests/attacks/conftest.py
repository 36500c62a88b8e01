"""The registry on a real database, and callers of every kind."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from central_registry.bootstrap import create_app
from central_registry.config import CentralRegistryConfig
from maestro_core_api import MaestroAPI, issue_token

SECRET = "a-secret-for-tests-of-at-least-32-bytes"


@pytest.fixture
def app(tmp_path: Path) -> MaestroAPI:
    return create_app(
        CentralRegistryConfig(
            environment="production",
            data_dir=tmp_path,
            jwt_secret=SecretStr(SECRET),
            advertise_url="http://127.0.0.1:1",
            max_instances=50,
        )
    )


@pytest.fixture
def client(app: MaestroAPI) -> Iterator[TestClient]:
    """A caller without a token; a failure of the service is an answer of 500."""
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def auth() -> Callable[..., dict[str, str]]:
    """Makes the headers of a caller with certain roles."""

    def headers(*roles: str, **claims: Any) -> dict[str, str]:
        token = issue_token(SECRET, **{"subject": "eve", "roles": roles, **claims})
        return {"Authorization": f"Bearer {token}"}

    return headers
