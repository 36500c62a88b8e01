import hashlib
import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

GET = "do: [{{get: {{call: http, with: {{method: get, endpoint: {{uri: '{url}/pets', authentication: {policy}}}}}}}}}]"
CLIENT = {"id": "runner", "secret": "runner-secret-1"}


def token_policy(url: str, **fields: Any) -> str:
    return json.dumps({"oauth2": {"authority": url, "grant": "client_credentials", "client": CLIENT, **fields}})


def issue(site: Any, path: str = "/oauth2/token", **answer: Any) -> None:
    """Let a site issue tokens, numbered, at a path, and show its pets to whoever has one."""
    issued: list[str] = []

    def token(_asked: Any) -> Any:
        issued.append(f"token-number-{len(issued) + 1}")
        return {"access_token": issued[-1], "token_type": "Bearer", "expires_in": 3600, **answer}

    site.answers[path] = token
    site.answers["/pets"] = lambda asked: (
        ["Milou"]
        if asked.headers.get("authorization", "").removeprefix("Bearer ") in issued
        else PlainTextResponse("no", 401)
    )


def test_basic_from_a_secret(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """`basic: {use: …}` takes user name and password of a secret, which never reach the history."""
    site.answers["/pets"] = lambda asked: {"as": b64decode(asked.headers["authorization"][6:]).decode().split(":")[0]}
    source = "use: {secrets: [login]}\n" + GET.format(url=serve(site), policy="{basic: {use: login}}")
    ran = run(source, secrets={"login": {"username": "me", "password": "pass-word-1"}})
    assert ran.output == {"as": "me"}
    assert site.asked[0].headers["authorization"] == "Basic " + b64encode(b"me:pass-word-1").decode()
    assert "pass-word-1" not in ran.history
    assert b64encode(b"me:pass-word-1").decode() not in ran.history


@pytest.mark.parametrize("secret", ["token-from-file", {"token": "token-from-file"}])
def test_bearer_from_a_secret(run: Callable[..., Any], site: Any, serve: Any, secret: Any) -> None:
    """A bearer token may be the whole secret, or its member `token`."""
    site.answers["/pets"] = {"ok": True}
    source = "use: {secrets: [t]}\n" + GET.format(url=serve(site), policy="{bearer: {use: t}}")
    ran = run(source, secrets={"t": secret})
    assert site.asked[0].headers["authorization"] == "Bearer token-from-file"
    assert ran.output == {"ok": True}
    assert "token-from-file" not in ran.history


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def digest_site(site: Any, challenges: list[str], algorithm: Callable[[str], str], session: bool = False) -> None:
    """Protect a page by digest authentication, computing the answer as RFC 7616 has it."""

    def check(asked: Any) -> Response | Any:
        told = asked.headers.get("authorization", "")
        if not told.startswith("Digest "):
            response = PlainTextResponse("who?", 401)
            for challenge in challenges:
                response.headers.append("www-authenticate", challenge)
            return response
        pairs = {
            name: value.strip('"') for name, _, value in (part.strip().partition("=") for part in told[7:].split(","))
        }
        first = algorithm("me:zone:secret")
        if session:
            first = algorithm(f"{first}:abc:{pairs['cnonce']}")
        second = algorithm(f"GET:{asked.path}?{asked.query}" if asked.query else f"GET:{asked.path}")
        middle = f"abc:{pairs['nc']}:{pairs['cnonce']}:auth" if "qop" in pairs else "abc"
        right = algorithm(f"{first}:{middle}:{second}")
        return {"ok": True} if pairs["response"] == right else PlainTextResponse(f"wrong: {told}", 403)

    site.answers["/pets"] = check


@pytest.mark.parametrize(
    ("challenges", "algorithm", "session"),
    [
        (['Digest realm="zone", nonce="abc"'], md5, False),
        (['Digest realm="zone", nonce="abc", qop="auth"'], md5, False),
        (['Digest realm="zone", nonce="abc", qop="auth,auth-int", algorithm=SHA-256, opaque="o"'], sha256, False),
        (['Digest realm="zone", nonce="abc", qop="auth", algorithm=MD5-sess'], md5, True),
        (['Basic realm="zone"', 'Digest realm="zone", nonce="abc", qop="auth", algorithm=MD5',
          'Digest realm="zone", nonce="abc", qop="auth", algorithm=SHA-256'], sha256, False),
    ],
)  # fmt: skip
def test_digest(
    run: Callable[..., Any], site: Any, serve: Any, challenges: list[str], algorithm: Any, session: bool
) -> None:
    """A digest challenge is answered with the best algorithm that the server offers."""
    digest_site(site, challenges, algorithm, session)
    source = GET.format(url=serve(site), policy="{digest: {username: me, password: secret}}").replace(
        "/pets", "/pets?a=1"
    )
    assert run(source).output == {"ok": True}
    assert len(site.asked) == 2


def test_a_server_without_a_digest_challenge_is_refusing(fails: Callable[..., Any], site: Any, serve: Any) -> None:
    """401 without a challenge that can be answered is the call's error."""
    site.answers["/pets"] = PlainTextResponse("no", 401)
    error = fails(GET.format(url=serve(site), policy="{digest: {username: me, password: secret}}"))
    assert (error["type"], error["status"], len(site.asked)) == ("communication", 401, 1)


@pytest.mark.parametrize(
    ("client", "form", "header"),
    [
        (CLIENT, {"client_id": "runner", "client_secret": "runner-secret-1"}, None),
        ({**CLIENT, "authentication": "client_secret_post"}, {"client_id": "runner", "client_secret": "runner-secret-1"}, None),
        ({**CLIENT, "authentication": "client_secret_basic"}, {}, "Basic " + b64encode(b"runner:runner-secret-1").decode()),
        ({"id": "runner", "authentication": "none"}, {"client_id": "runner"}, None),
        ({"id": "runner", "assertion": "signed", "authentication": "private_key_jwt"},
         {"client_id": "runner", "client_assertion": "signed",
          "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, None),
    ],
)  # fmt: skip
def test_clients_authenticate(
    run: Callable[..., Any], site: Any, serve: Any, client: Any, form: dict[str, str], header: str | None
) -> None:
    """Each method of client authentication sends what its RFC says, and nothing more."""
    issue(site)
    url = serve(site)
    assert run(GET.format(url=url, policy=token_policy(url, client=client))).output == ["Milou"]
    asked = site.asked[0]
    assert (asked.method, asked.path, asked.headers.get("authorization")) == ("POST", "/oauth2/token", header)
    assert asked.form == {"grant_type": "client_credentials", **form}


def test_client_secret_jwt(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """client_secret_jwt signs an assertion with the client's secret; a JOSE library verifies it."""
    from joserfc import jwt
    from joserfc.jwk import OctKey

    issue(site)
    url = serve(site)
    client = {"id": "runner", "secret": "a-secret-of-thirty-two-characters!", "authentication": "client_secret_jwt"}
    assert run(GET.format(url=url, policy=token_policy(url, client=client))).output == ["Milou"]
    assertion = site.asked[0].form["client_assertion"]
    claims = jwt.decode(assertion, OctKey.import_key("a-secret-of-thirty-two-characters!"), algorithms=["HS256"]).claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("runner", "runner", f"{url}/oauth2/token")
    assert claims["exp"] - claims["iat"] == 300


@pytest.mark.parametrize(
    ("fields", "form"),
    [
        ({"scopes": ["a", "b"], "audiences": ["x"]}, {"grant_type": "client_credentials", "scope": "a b", "audience": "x"}),
        ({"grant": "password", "username": "me", "password": "pw"}, {"grant_type": "password", "username": "me", "password": "pw"}),
        ({"grant": "refresh_token", "subject": {"token": "rt", "type": "refresh"}}, {"grant_type": "refresh_token", "refresh_token": "rt"}),
        ({"grant": "authorization_code", "subject": {"token": "c", "type": "code"}}, {"grant_type": "authorization_code", "code": "c"}),
        ({"grant": "urn:ietf:params:oauth:grant-type:token-exchange", "subject": {"token": "s", "type": "st"},
          "actor": {"token": "a", "type": "at"}},
         {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": "s", "subject_token_type": "st",
          "actor_token": "a", "actor_token_type": "at"}),
    ],
)  # fmt: skip
def test_grants(run: Callable[..., Any], site: Any, serve: Any, fields: dict[str, Any], form: dict[str, str]) -> None:
    """Each grant sends its parameters to the token endpoint."""
    issue(site)
    url = serve(site)
    policy = token_policy(url, client={"id": "runner", "authentication": "none"}, **fields)
    assert run(GET.format(url=url, policy=policy)).output == ["Milou"]
    assert site.asked[0].form == {"client_id": "runner", **form}


def test_token_requests_may_be_json(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """`request.encoding` chooses JSON."""
    issue(site)
    url = serve(site)
    run(GET.format(url=url, policy=token_policy(url, request={"encoding": "application/json"})))
    assert site.asked[0].headers["content-type"] == "application/json"
    assert json.loads(site.asked[0].body)["client_id"] == "runner"


TWICE = """
do:
  - a: {{call: http, with: {{method: get, endpoint: {{uri: '{url}/pets', authentication: {policy}}}}}}}
  - b: {{call: http, with: {{method: get, endpoint: {{uri: '{url}/pets', authentication: {policy}}}}}}}
"""


def paths(site: Any) -> list[str]:
    return [asked.path for asked in site.asked]


def test_a_token_is_used_until_it_expires(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """Two calls with the same policy need one token; the token is nowhere in the history."""
    issue(site)
    url = serve(site)
    ran = run(TWICE.format(url=url, policy=token_policy(url)))
    assert ran.output == ["Milou"]
    assert paths(site) == ["/oauth2/token", "/pets", "/pets"]
    assert "token-number-1" not in ran.history


def test_an_expired_token_is_refreshed(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """A token that has expired is renewed by its refresh token, where one came with it."""
    issue(site, expires_in=0, refresh_token="refresh-me")
    url = serve(site)
    assert run(TWICE.format(url=url, policy=token_policy(url))).output == ["Milou"]
    assert paths(site) == ["/oauth2/token", "/pets", "/oauth2/token", "/pets"]
    assert site.asked[2].form["grant_type"] == "refresh_token"
    assert site.asked[2].form["refresh_token"] == "refresh-me"


def test_a_token_that_was_revoked_is_renewed_once(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """When the server refuses a kept token, the call gets a new one and tries again, once."""
    issue(site)
    refused = iter([True, False])
    show = site.answers["/pets"]
    site.answers["/pets"] = lambda asked: PlainTextResponse("revoked", 401) if next(refused, False) else show(asked)
    url = serve(site)
    assert run(GET.format(url=url, policy=token_policy(url))).output == ["Milou"]
    assert paths(site) == ["/oauth2/token", "/pets", "/oauth2/token", "/pets"]
    assert site.asked[3].headers["authorization"] == "Bearer token-number-2"


def test_no_token_is_an_authentication_error(fails: Callable[..., Any], site: Any, serve: Any) -> None:
    """A refusal of the authority is the standard error "authentication", with its reason and without the secret."""
    site.answers["/oauth2/token"] = JSONResponse(
        {"error": "invalid_client", "error_description": "runner-secret-1 is wrong"}, 400
    )
    url = serve(site)
    source = "use: {secrets: [c]}\n" + GET.format(url=url, policy="{oauth2: {use: c}}")
    secret = {"authority": url, "grant": "client_credentials", "client": CLIENT}
    error = fails(source, secrets={"c": secret})
    assert (error["type"], error["status"]) == ("authentication", 401)
    assert "invalid_client: ********** is wrong" in error["detail"]
    assert f"no token from {url}/oauth2/token" in error["detail"]


def unsigned(claims: dict[str, Any]) -> str:
    return (
        ".".join(
            urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({"alg": "none"}, claims)
        )
        + "."
    )


@pytest.mark.parametrize(
    ("token", "introspected", "works"),
    [
        (unsigned({"iss": "https://good"}), None, True),
        (unsigned({"iss": "https://evil"}), None, False),
        ("opaque", {"active": True, "iss": "https://good"}, True),
        ("opaque", {"active": True}, False),
        ("opaque", None, False),
    ],
)
def test_issuers_are_checked(
    run: Callable[..., Any], site: Any, serve: Any, token: str, introspected: Any, works: bool
) -> None:
    """With `issuers`, a token of another issuer is refused; the issuer of an opaque one is asked for by introspection."""
    site.answers["/oauth2/token"] = {"access_token": token, "expires_in": 60}
    site.answers["/pets"] = ["Milou"]
    if introspected is not None:
        site.answers["/look"] = introspected
    url = serve(site)
    policy = token_policy(url, issuers=["https://good"], endpoints={"introspection": "/look"})
    ran = run(GET.format(url=url, policy=policy))
    assert (ran.output == ["Milou"]) is works
    if not works:
        assert ran.error.error.type.endswith("/authentication")


@pytest.mark.parametrize("suffix", ["", "/", "/.well-known/openid-configuration"])
@pytest.mark.parametrize("scheme", ["oidc", "oauth2"])
def test_endpoints_are_discovered(run: Callable[..., Any], site: Any, serve: Any, suffix: str, scheme: str) -> None:
    """`oidc` finds the token endpoint in the discovery document, and so does `oauth2` whose authority is one."""
    url = serve(site)
    issue(site, "/realms/r/tokens" if scheme == "oidc" or "well-known" in suffix else "/realms/r/oauth2/token")
    site.answers["/realms/r/.well-known/openid-configuration"] = {
        "issuer": url,
        "token_endpoint": f"{url}/realms/r/tokens",
    }
    policy = json.dumps(
        {scheme: {"authority": f"{url}/realms/{{realm}}{suffix}", "grant": "client_credentials", "client": CLIENT}}
    )
    assert run(GET.format(url=url, policy=policy), {"realm": "r"}).output == ["Milou"]


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("{oauth2: {grant: client_credentials}}", "'authority' is missing"),
        ("{oauth2: {authority: 'http://x', grant: implicit}}", "must be one of authorization_code"),
        ("{oidc: {authority: 'http://x', grant: password, endpoints: {}}}", "unknown field 'endpoints'"),
        (
            "{oauth2: {authority: 'http://x', grant: password, client: {authentication: tls}}}",
            "must be one of client_secret_basic",
        ),
        ("{oauth2: {authority: '${ .a }', grant: password}}", "not an expression"),
        ("{digest: {username: a}}", "'password' is missing"),
        ("{basic: {use: nobody}}", "no secret named 'nobody' under /use/secrets"),
        ("{basic: {username: a, password: b}, bearer: {token: c}}", "exactly one of"),
    ],
)
def test_faults_in_policies(load: Callable[..., Any], policy: str, message: str) -> None:
    """What is wrong with a policy is told when the document is loaded."""
    from maestro_workflow_engine.dsl import DocumentError

    with pytest.raises(DocumentError, match=message):
        load(GET.format(url="http://x", policy=policy))
