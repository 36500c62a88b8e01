from collections.abc import Iterator
from typing import Any

import pytest
from signing import CHEAP
from starlette.testclient import TestClient

from maestro_core_api import MaestroAPI
from maestro_core_api.testing import token_for


@pytest.fixture
def settings() -> dict[str, Any]:
    """Cheap hashes; this machine's proxy says where callers come from."""
    return {**CHEAP, "trusted_proxies": ["127.0.0.1"]}


@pytest.fixture
def client(app: MaestroAPI) -> Iterator[TestClient]:
    """A client behind a trusted proxy, as an admin of the platform."""
    headers = {"Authorization": f"Bearer {token_for(app)}"}
    with TestClient(app, raise_server_exceptions=False, headers=headers, client=("127.0.0.1", 5)) as client:
        yield client
