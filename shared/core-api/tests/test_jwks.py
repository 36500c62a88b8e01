import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Depends
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from pydantic import ValidationError
from starlette.responses import JSONResponse, RedirectResponse, Response

from maestro_core_api import MaestroAPI, Principal, SecurityConfig, TrustedIssuer, current_principal, public
from maestro_core_api._authenticator import Authenticator
from maestro_core_api._jwks import FetchedKeys, KeysUnavailableError
from maestro_core_api._key_set import KeySet
from maestro_core_api._tokens import _rules, _Trusted
from maestro_core_api.testing import running

ISSUER = "https://login.example"


def key(key_id: str | None) -> ECKey:
    """A key pair."""
    return ECKey.generate_key("P-256", None if key_id is None else {"kid": key_id})


def public_set(*keys: Any) -> dict[str, Any]:
    """What an issuer publishes."""
    return {"keys": [one.as_dict(private=False) for one in keys]}


def token(signer: ECKey, *, kid: str | None = None, **changes: Any) -> bytes:
    """The header's value with a token of the issuer's."""
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": "orders",
        "sub": "ada",
        "iat": now,
        "exp": now + 600,
        "roles": ["viewer"],
        **changes,
    }
    header = {"alg": "ES256"} | ({} if kid is None else {"kid": kid})
    return b"Bearer " + jwt.encode(header, claims, signer, algorithms=["ES256"]).encode()


class IssuerDouble:
    """An issuer's key set on a real server, which may be changed, counted and switched off."""

    def __init__(self, app: MaestroAPI) -> None:
        self.answer: Callable[[], Awaitable[Response]] | Response = JSONResponse(public_set())
        self.fetches = 0
        self.url = ""

        @app.get("/jwks")
        @public
        async def jwks() -> Response:
            self.fetches += 1
            return self.answer if isinstance(self.answer, Response) else await self.answer()

    def publish(self, *keys: Any) -> None:
        """Publish keys."""
        self.answer = JSONResponse(public_set(*keys))


@pytest.fixture
async def issuer(make_app: Callable[..., MaestroAPI]) -> AsyncIterator[IssuerDouble]:
    """An issuer that is running."""
    app = make_app(service_name="login")
    double = IssuerDouble(app)
    async with running(app) as url:
        double.url = f"{url}/jwks"
        yield double


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock at zero."""
    return Clock()


@pytest.fixture
def verify(issuer: IssuerDouble, clock: Clock) -> Callable[[bytes], Awaitable[str]]:
    """Check a token with fetched keys, on the clock of the test; its subject is returned."""
    trusted = TrustedIssuer(issuer=ISSUER, jwks_url=issuer.url)
    security = SecurityConfig(audience="orders", issuers=(trusted,))
    authenticator = Authenticator(security, "orders")
    keys = FetchedKeys(trusted, clock=clock)
    authenticator._tokens._trusted[ISSUER, "ES256"] = _Trusted(_rules(trusted, security), keys)

    async def check(value: bytes) -> str:
        return (await authenticator.authenticate([(b"authorization", value)])).subject

    return check


async def test_keys_are_fetched_once(issuer: IssuerDouble, verify: Any) -> None:
    """Many callers who come at once wait for one fetch, and later ones need none."""
    signer = key("a")
    issuer.publish(signer)
    subjects = await asyncio.gather(*(verify(token(signer, kid="a", sub=f"u{number}")) for number in range(20)))
    assert subjects == [f"u{number}" for number in range(20)]
    await verify(token(signer, kid="a", sub="later"))
    assert issuer.fetches == 1


async def test_a_rotated_key_is_found(issuer: IssuerDouble, verify: Any, clock: Clock) -> None:
    """A key id that is not known yet is looked for, and the key that was taken away is refused from then on."""
    old, new = key("old"), key("new")
    issuer.publish(old)
    assert await verify(token(old, kid="old")) == "ada"
    issuer.publish(new)
    clock.now = 31
    assert await verify(token(new, kid="new")) == "ada"
    with pytest.raises(Exception, match="signature"):
        await verify(token(old, kid="old", sub="bob"))


@pytest.mark.parametrize("kid", ["unknown", None])
async def test_made_up_keys_do_not_flood_the_issuer(
    issuer: IssuerDouble, verify: Any, clock: Clock, kid: str | None
) -> None:
    """However many unknown keys are seen, the issuer is asked once per interval."""
    known, own = key("a"), key(None)
    issuer.publish(known)
    await verify(token(known, kid="a"))
    for _ in range(10):
        with pytest.raises(Exception, match="signature"):
            await verify(token(own, kid=kid))
    assert issuer.fetches == 1
    clock.now = 31
    for _ in range(10):
        with pytest.raises(Exception, match="signature"):
            await verify(token(own, kid=kid))
    assert issuer.fetches == 2


async def test_a_single_key_without_an_id_is_rotated_too(issuer: IssuerDouble, verify: Any, clock: Clock) -> None:
    """Where neither tokens nor keys have ids, a new key is found all the same."""
    old, new = key(None), key(None)
    issuer.publish(old)
    await verify(token(old))
    issuer.publish(new)
    clock.now = 31
    assert await verify(token(new)) == "ada"


async def test_old_keys_stay_while_the_issuer_is_away(
    issuer: IssuerDouble, verify: Any, clock: Clock, eventually: Any
) -> None:
    """Keys that should be fetched anew stay in force while that fails, for a day; then callers are told that it is not their fault."""
    signer = key("a")
    issuer.publish(signer)
    await verify(token(signer, kid="a"))
    issuer.answer = Response(status_code=503)
    clock.now = 601
    assert await verify(token(signer, kid="a", sub="bob")) == "bob"
    await eventually(lambda: issuer.fetches == 2)
    clock.now = 600 + 86_400 + 1
    with pytest.raises(Exception, match="cannot be fetched") as refused:
        await verify(token(signer, kid="a", sub="eve"))
    assert refused.value.status_code == 503  # type: ignore[attr-defined]
    assert refused.value.extra["rule"] == "token-keys-available"  # type: ignore[attr-defined]


async def test_keys_that_are_due_are_fetched_in_the_background(
    issuer: IssuerDouble, verify: Any, clock: Clock, eventually: Any
) -> None:
    """Nobody waits for a fetch while there are keys to go on with."""
    signer, gate = key("a"), asyncio.Event()
    issuer.publish(signer)
    await verify(token(signer, kid="a"))

    async def slow() -> Response:
        await gate.wait()
        return JSONResponse(public_set(signer))

    issuer.answer = slow
    clock.now = 601
    assert await verify(token(signer, kid="a", sub="bob")) == "bob"
    await eventually(lambda: issuer.fetches == 2)
    gate.set()


@pytest.mark.parametrize(
    "answer",
    [
        Response("not json"),
        Response("[" * 100_000),
        JSONResponse([]),
        JSONResponse({"keys": "a"}),
        JSONResponse({"keys": []}),
        JSONResponse({"keys": [{"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"}]}),
        JSONResponse({"keys": [{"kty": "EC"}, 7, None, {"kty": "EC", "crv": "P-256", "x": "!", "y": 1}]}),
        Response(b" " * 600_000),
        RedirectResponse("http://127.0.0.1:1/jwks"),
        Response(status_code=500),
    ],
)
async def test_an_unusable_answer_is_no_key_set(issuer: IssuerDouble, answer: Response) -> None:
    """What is no key set, or has no public key for signatures, is not taken; redirects are not followed."""
    issuer.answer = answer
    with pytest.raises(KeysUnavailableError):
        await FetchedKeys(TrustedIssuer(issuer=ISSUER, jwks_url=issuer.url)).current()
    assert issuer.fetches == 1


async def test_an_issuer_that_hangs_is_given_up(issuer: IssuerDouble) -> None:
    """A fetch ends after its time, however slowly the answer trickles in."""
    ended = asyncio.Event()

    async def hang() -> Response:
        await ended.wait()
        return Response()

    issuer.answer = hang
    trusted = TrustedIssuer(issuer=ISSUER, jwks_url=issuer.url, fetch_timeout=timedelta(milliseconds=100))
    with pytest.raises(KeysUnavailableError):
        await FetchedKeys(trusted).current()
    ended.set()


def test_keys_that_are_not_for_signatures_are_passed_over() -> None:
    """Symmetric keys, keys for encryption and short RSA keys in a set do not count; the good one beside them does."""
    good = key("good")
    with pytest.warns(match="2048"):
        short = RSAKey.generate_key(1024, {"kid": "short"})
    keys = KeySet.from_jwks(
        {
            "keys": [
                OctKey.generate_key(256, {"kid": "oct"}).as_dict(private=True),
                key("enc").as_dict(private=False, use="enc"),
                {"kty": "AKP", "kid": "post-quantum"},
                good.as_dict(private=False),
            ]
        }
    )
    assert [keys.knows(kid) for kid in ("oct", "enc", "post-quantum", "good")] == [False, False, False, True]
    with pytest.warns(match="2048"), pytest.raises(ValueError, match="none of the keys"):
        KeySet.from_jwks(public_set(short))


async def test_a_service_trusts_issuers_over_http(
    issuer: IssuerDouble, make_app: Callable[..., MaestroAPI], http: httpx2.AsyncClient, auth: Any, secret: str
) -> None:
    """A service takes tokens of an issuer that publishes its keys, beside those with its shared key; roles are mapped and bounded."""
    signer = key("a")
    issuer.publish(signer)
    trusted = TrustedIssuer(
        issuer=ISSUER,
        jwks_url=issuer.url,
        audience="orders",
        roles_claim="realm_access.roles",
        scope_claim="scp",
        grantable_roles=frozenset({"viewer", "operator"}),
    )
    app = make_app(security=SecurityConfig(jwt_secret_key=secret, issuers=(trusted,)))

    @app.get("/me")
    async def me(principal: Annotated[Principal, Depends(current_principal)]) -> dict[str, Any]:
        return {"roles": sorted(principal.roles), "scopes": sorted(principal.scopes), "issuer": principal.issuer}

    value = token(signer, kid="a", roles=["ignored"], realm_access={"roles": ["operator", "admin"]}, scp=["a", "b"])
    async with running(app) as url:
        answer = await http.get(f"{url}/me", headers={"Authorization": value.decode()})
        assert answer.json() == {"roles": ["operator"], "scopes": ["a", "b"], "issuer": ISSUER}
        assert (await http.get(f"{url}/me", headers=auth("viewer"))).json()["issuer"] == "maestro"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "exactly one"),
        ({"jwks_url": "https://a/jwks", "jwks": {"keys": []}}, "exactly one"),
        ({"jwks_url": "http://login.example/jwks"}, "https"),
        ({"jwks_url": "file:///etc/passwd"}, "http or https"),
        ({"jwks": {"keys": []}, "algorithms": ["HS256"]}, "algorithms"),
        ({"jwks": {"keys": []}, "algorithms": ["none"]}, "algorithms"),
    ],
)
def test_an_issuer_that_would_be_unsafe_is_refused(options: dict[str, Any], message: str) -> None:
    """Keys come from one place, over TLS or from this machine, and are public keys."""
    with pytest.raises(ValidationError, match=message):
        TrustedIssuer(issuer=ISSUER, **options)


def test_plain_http_is_a_decision() -> None:
    """Plain HTTP on another machine is possible for whoever says so."""
    assert TrustedIssuer(issuer=ISSUER, jwks_url="http://login.example/jwks", allow_http=True).jwks_url


def test_an_audience_is_a_must_for_other_issuers() -> None:
    """Whoever trusts an issuer says for whom its tokens must be, there or for all, or that it does not matter."""
    jwks = public_set(key("a"))
    with pytest.raises(ValidationError, match="audience"):
        SecurityConfig(issuers=(TrustedIssuer(issuer=ISSUER, jwks=jwks),))
    SecurityConfig(issuers=(TrustedIssuer(issuer=ISSUER, jwks=jwks),), audience="orders")
    SecurityConfig(issuers=(TrustedIssuer(issuer=ISSUER, jwks=jwks, audience="orders"),))
    lenient = SecurityConfig(issuers=(TrustedIssuer(issuer=ISSUER, jwks=jwks, any_audience=True),), audience="orders")
    assert _rules(lenient.issuers[0], lenient).audience is None


def test_issuers_differ() -> None:
    """Two issuers of one name are refused: nobody could tell whose keys count."""
    one = TrustedIssuer(issuer=ISSUER, jwks=public_set(key("a")))
    with pytest.raises(ValidationError, match="differ"):
        SecurityConfig(issuers=(one, one))
