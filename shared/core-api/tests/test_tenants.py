"""Which tenant a caller belongs to: only what vouches for the caller says so."""

import time
from datetime import UTC, datetime

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from maestro_core_api import MemoryKeyStore, Principal, SecurityConfig, TrustedIssuer, issue_api_key, issue_token
from maestro_core_api._authenticator import Authenticator
from maestro_core_api._exceptions import UnauthorizedException

SECRET = "a-secret-for-tests-of-at-least-32-bytes"


async def caller(security: SecurityConfig, token: str) -> Principal:
    return await Authenticator(security, "orders").authenticate([(b"authorization", f"Bearer {token}".encode())])


async def test_a_token_names_its_tenant() -> None:
    """The claim `tenant` is the caller's tenant, and without the claim there is none."""
    security = SecurityConfig(jwt_secret_key=SECRET)
    assert (await caller(security, issue_token(SECRET, subject="ada", tenant="acme"))).tenant == "acme"
    assert (await caller(security, issue_token(SECRET, subject="ada"))).tenant is None


@pytest.mark.parametrize("tenant", ["", 7, ["acme"], "acme\n", "a" * 257, {"id": "acme"}])
async def test_a_tenant_that_is_no_name_is_refused(tenant: object) -> None:
    """A claim that is not a printable text of sensible length makes the token invalid, not tenantless."""
    now = int(time.time())
    claims = {"sub": "ada", "iss": "maestro", "iat": now, "exp": now + 60, "tenant": tenant}
    with pytest.raises(UnauthorizedException, match="tenant"):
        await caller(
            SecurityConfig(jwt_secret_key=SECRET), jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
        )


@pytest.mark.parametrize(("claim", "tenant"), [(None, None), ("org.name", "acme")])
async def test_another_issuer_speaks_for_tenants_only_when_it_may(claim: str | None, tenant: str | None) -> None:
    """An outside issuer's word about tenants counts where the configuration names the claim, and nowhere else."""
    key = ECKey.generate_key("P-256", {"kid": "a", "use": "sig"})
    now = int(time.time())
    claims = {"sub": "ada", "iss": "https://login.example", "iat": now, "exp": now + 60, "tenant": "evil"}
    token = jwt.encode({"alg": "ES256", "kid": "a"}, claims | {"org": {"name": "acme"}}, key)
    trusted = TrustedIssuer(
        issuer="https://login.example",
        jwks={"keys": [key.as_dict(private=False)]},
        any_audience=True,
        tenant_claim=claim,
    )
    assert (await caller(SecurityConfig(issuers=(trusted,)), token)).tenant == tenant


async def test_an_api_key_belongs_to_its_tenant() -> None:
    """The tenant is kept with the key."""
    key, record = issue_api_key(subject="robot", tenant="acme")
    store = MemoryKeyStore([record])
    authenticator = Authenticator(SecurityConfig(), "orders", key_store=store)
    assert (await authenticator.authenticate([(b"x-api-key", key.encode())])).tenant == "acme"
    assert record.created_at <= datetime.now(UTC)
