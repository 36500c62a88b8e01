from collections.abc import Callable
from typing import Annotated

import pytest
from fastapi import Depends
from starlette.testclient import TestClient

from maestro_core_api import MaestroAPI, Principal, public, require_scope

Auth = Callable[..., dict[str, str]]


@pytest.fixture
def app(app: MaestroAPI) -> MaestroAPI:
    """An application with an endpoint that needs two scopes."""

    @app.post("/orders")
    async def create(principal: Annotated[Principal, Depends(require_scope("orders:write", "orders:read"))]) -> str:
        return principal.subject

    @app.get("/maybe", dependencies=[Depends(require_scope("a"))])
    @public
    async def maybe() -> None: ...

    return app


def test_all_scopes_are_needed(anonymous: TestClient, auth: Auth) -> None:
    """A token with all scopes is let through, whatever its roles."""
    headers = auth(scopes=["orders:read", "orders:write", "more"])
    assert anonymous.post("/orders", headers=headers).json() == "ada"


@pytest.mark.parametrize("scopes", [[], ["orders:read"], ["orders"], ["orders:write2", "orders:read"]])
def test_a_missing_scope_is_named(app: MaestroAPI, anonymous: TestClient, auth: Auth, scopes: list[str]) -> None:
    """Without one of the scopes the answer is a 403 that names what is needed, in the document and as RFC 6750 says; no role helps."""
    refused = anonymous.post("/orders", headers=auth("admin", scopes=scopes))
    document = refused.json()
    assert (refused.status_code, document["error_code"]) == (403, "SCOPE_REQUIRED")
    assert document["rule"] == "scope:orders:write orders:read"
    assert document["required_scopes"] == ["orders:write", "orders:read"]
    assert "orders:write" in document["detail"]
    assert refused.headers["www-authenticate"] == (
        'Bearer error="insufficient_scope", scope="orders:write orders:read"'
    )
    assert b'rule="scope:orders:write orders:read"' in app.metrics.exposition()[0]


def test_anonymous_callers_are_asked_who_they_are(anonymous: TestClient) -> None:
    """A scope on a public endpoint is a 401 to callers without a token."""
    assert anonymous.get("/maybe").status_code == 401


@pytest.mark.parametrize("scopes", [(), ("",), ("a b",), ('a"',), ("a", "b\n"), ("é",)])
def test_a_scope_must_fit_into_a_token(scopes: tuple[str, ...]) -> None:
    """A scope that no token can have is refused when the endpoint is made."""
    with pytest.raises(ValueError, match="scope"):
        require_scope(*scopes)
