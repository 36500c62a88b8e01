import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from maestro_core_api import APIException, MemoryKeyStore, SecurityConfig, TrustedIssuer, issue_api_key, issue_token
from maestro_core_api._authenticator import Authenticator

SECRET = "a-secret-for-tests-of-at-least-32-bytes"


def bearer(token: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", b"Bearer " + token.encode())]


def signed(key: OKPKey, **claims: Any) -> str:
    """A token of the issuer `own`."""
    now = int(time.time())
    given = {"iss": "own", "sub": "ada", "aud": "maestro", "iat": now, "exp": now + 60, **claims}
    return jwt.encode({"alg": "Ed25519", "kid": key.kid}, given, key, algorithms=["Ed25519"])


def issuer(*keys: OKPKey, **options: Any) -> TrustedIssuer:
    jwks = {"keys": [key.as_dict(private=False) for key in keys]}
    return TrustedIssuer(
        issuer="own",
        jwks=jwks,
        algorithms=("Ed25519",),
        **({"audience": "maestro", "tenant_claim": "tenant"} | options),
    )


async def test_the_tenant_of_a_token_is_known() -> None:
    """A caller belongs to the tenant that its token names, and to none when the token names none."""
    known = Authenticator(SecurityConfig(jwt_secret_key=SECRET), "orders")
    assert (await known.authenticate(bearer(issue_token(SECRET, subject="ada", tenant="acme")))).tenant == "acme"
    assert (await known.authenticate(bearer(issue_token(SECRET, subject="ada")))).tenant is None


@pytest.mark.parametrize("tenant", [7, "", ["acme"], "ac\nme", {}])
async def test_a_tenant_that_is_no_name_is_refused(tenant: Any) -> None:
    """A token whose tenant is not printable text is refused, and not taken for one without a tenant."""
    key = OKPKey.generate_key("Ed25519", {"kid": "one"})
    known = Authenticator(SecurityConfig(issuers=(issuer(key),)), "orders")
    with pytest.raises(APIException) as refused:
        await known.authenticate(bearer(signed(key, tenant=tenant)))
    assert refused.value.extra["rule"] == "token-claims"


async def test_the_tenant_of_an_api_key_is_known() -> None:
    """An API key speaks for a machine of its tenant."""
    key, record = issue_api_key(subject="robot", tenant="acme")
    known = Authenticator(SecurityConfig(), "orders", key_store=MemoryKeyStore([record]))
    assert (await known.authenticate([(b"x-api-key", key.encode())])).tenant == "acme"


async def test_a_service_trusts_itself_with_new_keys() -> None:
    """An issuer that becomes known while the service runs is trusted; with other keys, what the old ones signed is refused at once."""
    old, new = (OKPKey.generate_key("Ed25519", {"kid": name}) for name in ("old", "new"))
    known = Authenticator(SecurityConfig(jwt_secret_key=SECRET), "orders")
    with pytest.raises(APIException) as unknown:
        await known.authenticate(bearer(signed(old)))
    assert unknown.value.extra["rule"] == "token-issuer"
    known.trust(issuer(old))
    token = bearer(signed(old))
    assert (await known.authenticate(token)).subject == "ada"
    known.trust(issuer(new))
    assert known.remembered(token) is None
    with pytest.raises(APIException) as refused:
        await known.authenticate(token)
    assert refused.value.extra["rule"] == "token-signature"
    assert (await known.authenticate(bearer(signed(new)))).subject == "ada"
    assert (await known.authenticate(bearer(issue_token(SECRET, subject="shared")))).subject == "shared"


def test_an_issuer_without_an_audience_is_not_trusted() -> None:
    """An issuer that is added later must say for whom its tokens are, as one in the configuration must."""
    known = Authenticator(SecurityConfig(), "orders")
    with pytest.raises(ValueError, match="audience"):
        known.trust(issuer(OKPKey.generate_key("Ed25519"), audience=None))
