import base64
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from fastapi import Depends
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from starlette.testclient import TestClient

from maestro_core_api import (
    APIConfig,
    APIKey,
    MaestroAPI,
    MemoryKeyStore,
    Principal,
    SecurityConfig,
    TrustedIssuer,
    current_principal,
    issue_api_key,
)

ISSUER = "https://login.example"
PEPPER = "a-pepper-for-tests-of-at-least-32-bytes"


@pytest.fixture(scope="session")
def rsa_key() -> RSAKey:
    """The issuer's RSA key."""
    return RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})


@pytest.fixture(scope="session")
def ec_key() -> ECKey:
    """The issuer's EC key."""
    return ECKey.generate_key("P-256", {"kid": "ec-1"})


@pytest.fixture(scope="session")
def ed_key() -> OKPKey:
    """The issuer's Edwards-curve key."""
    return OKPKey.generate_key("Ed25519", {"kid": "ed-1"})


@pytest.fixture
def api_key() -> tuple[str, APIKey]:
    """An API key of an operator, and what the store has of it."""
    return issue_api_key(subject="robot", roles=["operator"], pepper=PEPPER)


@pytest.fixture
def target(secret: str, rsa_key: RSAKey, ec_key: ECKey, ed_key: OKPKey, api_key: tuple[str, APIKey]) -> MaestroAPI:
    """A service that trusts its shared key, an issuer with public keys, and API keys."""
    jwks = {"keys": [key.as_dict(private=False) for key in (rsa_key, ec_key, ed_key)]}
    security = SecurityConfig(
        jwt_secret_key=secret,
        audience="orders",
        issuers=(TrustedIssuer(issuer=ISSUER, jwks=jwks),),
        api_keys={"pepper": PEPPER},
    )
    app = MaestroAPI(
        APIConfig(title="Orders", service_name="orders", security=security), key_store=MemoryKeyStore([api_key[1]])
    )

    @app.get("/me")
    async def me(principal: Annotated[Principal, Depends(current_principal)]) -> dict[str, Any]:
        return {"subject": principal.subject, "roles": sorted(principal.roles)}

    return app


@pytest.fixture
def attacker(target: MaestroAPI) -> Iterator[TestClient]:
    """A client without any credential."""
    with TestClient(target, raise_server_exceptions=False) as client:
        yield client


def encoded(value: Any) -> str:
    """Encode one part of a token; bytes as they are, everything else as JSON."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture(scope="session")
def sign() -> Callable[..., str]:
    """Sign whatever header and payload are given, with any key: a token as an attacker could put it together.

    Bytes as a key are a shared secret, however short.
    """

    def make(header: Any, payload: Any, key: Key | bytes, algorithm: str) -> str:
        signed = f"{encoded(header)}.{encoded(payload)}"
        if isinstance(key, bytes):
            signature = hmac.digest(key, signed.encode(), "sha256")
        else:
            signature = JWSRegistry.algorithms[algorithm].sign(signed.encode(), key)
        return f"{signed}.{encoded(signature)}"

    return make


@pytest.fixture
def denied(target: MaestroAPI) -> Callable[..., dict[str, Any]]:
    """Check that an answer is a denial by a rule: the right document, no inside in it, and counted in both metrics."""

    def check(response: Any, rule: str, code: str = "TOKEN_INVALID", status: int = 401) -> dict[str, Any]:
        document: dict[str, Any] = response.json()
        assert (response.status_code, document["error_code"], document["rule"]) == (status, code, rule), document
        assert response.headers["content-type"] == "application/problem+json"
        assert document["trace_id"]
        assert "Traceback" not in response.text
        if status == 401:
            assert response.headers["www-authenticate"].startswith('Bearer realm="orders"')
        body, _ = target.metrics.exposition()
        lines = body.decode().splitlines()
        counted = f'service_denials_total{{rule="{rule}",service="orders"}}'
        alternative = f'service_denials_total{{service="orders",rule="{rule}"}}'
        assert any(line.startswith((counted, alternative)) for line in lines)
        assert any(line.startswith("service_errors_total") and f'error_code="{code}"' in line for line in lines)
        return document

    return check
