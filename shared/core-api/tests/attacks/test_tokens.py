"""Forged, bent and broken tokens: each is refused, by the rule that it breaks."""

import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey
from starlette.testclient import TestClient

from maestro_core_api import MaestroAPI, issue_token

Denied = Callable[..., dict[str, Any]]
Sign = Callable[..., str]
ISSUER = "https://login.example"


def claims(**changes: Any) -> dict[str, Any]:
    """Claims of the issuer's that would be accepted; a change to None takes one out."""
    now = int(time.time())
    given = {"iss": ISSUER, "aud": "orders", "sub": "ada", "iat": now, "exp": now + 600, "roles": ["admin"], **changes}
    return {name: value for name, value in given.items() if value is not None}


def bearer(token: str) -> dict[str, str]:
    """The header with a token."""
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_the_tokens_that_the_attacks_bend_are_good(
    attacker: TestClient, sign: Sign, rsa_key: RSAKey, ec_key: ECKey, ed_key: OKPKey, algorithm: str
) -> None:
    """Unbent, each kind of token is accepted: the attacks below fail for their own reason."""
    key = {"RS256": rsa_key, "ES256": ec_key, "EdDSA": ed_key}[algorithm]
    token = sign({"alg": algorithm, "kid": key.kid}, claims(), key, algorithm)
    assert attacker.get("/me", headers=bearer(token)).json() == {"subject": "ada", "roles": ["admin"]}


@pytest.mark.parametrize("spelling", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", ["", "c2lnbmF0dXJl"])
def test_no_algorithm_is_no_signature(
    attacker: TestClient, sign: Sign, denied: Denied, rsa_key: RSAKey, spelling: str, signature: str
) -> None:
    """The algorithm `none`, however spelled, is refused with and without something in the place of the signature."""
    head, body, _ = sign({"alg": spelling}, claims(), rsa_key, "RS256").split(".")
    rule = "token-algorithm" if signature else "token-format"
    denied(attacker.get("/me", headers=bearer(f"{head}.{body}.{signature}")), rule)


@pytest.mark.parametrize("form", ["pem", "der", "jwk"])
def test_a_public_key_is_no_shared_secret(
    attacker: TestClient, sign: Sign, denied: Denied, rsa_key: RSAKey, form: str
) -> None:
    """A token signed with HS256, with the RSA public key as the secret, is refused."""
    text = {
        "pem": rsa_key.as_pem(private=False),
        "der": rsa_key.as_der(private=False),
        "jwk": str(rsa_key.as_dict(private=False)).encode(),
    }[form]
    token = sign({"alg": "HS256", "kid": rsa_key.kid}, claims(), text, "HS256")
    denied(attacker.get("/me", headers=bearer(token)), "token-algorithm")
    token = sign({"alg": "HS256", "kid": rsa_key.kid}, claims(iss="maestro"), text, "HS256")
    denied(attacker.get("/me", headers=bearer(token)), "token-signature")


def test_an_algorithm_belongs_to_its_issuer(
    attacker: TestClient, sign: Sign, denied: Denied, rsa_key: RSAKey, secret: str
) -> None:
    """The shared key does not sign for the issuer with public keys, nor that one for the platform; nor with other hashes."""
    shared = secret.encode()
    denied(attacker.get("/me", headers=bearer(sign({"alg": "HS256"}, claims(), shared, "HS256"))), "token-algorithm")
    for algorithm in ("RS256", "RS512", "PS256"):
        token = sign({"alg": algorithm, "kid": rsa_key.kid}, claims(iss="maestro"), rsa_key, algorithm)
        denied(attacker.get("/me", headers=bearer(token)), "token-algorithm")
    token = sign({"alg": "RS512", "kid": rsa_key.kid}, claims(), rsa_key, "RS512")
    denied(attacker.get("/me", headers=bearer(token)), "token-algorithm")


def test_another_key_of_the_same_kind_is_refused(attacker: TestClient, sign: Sign, denied: Denied) -> None:
    """A key pair of the attacker's own, under the issuer's key id, proves nothing."""
    own = RSAKey.generate_key(2048, {"kid": "rsa-1"})
    denied(
        attacker.get("/me", headers=bearer(sign({"alg": "RS256", "kid": "rsa-1"}, claims(), own, "RS256"))),
        "token-signature",
    )


@pytest.mark.parametrize("parameter", ["jwk", "jku", "x5u", "x5c"])
def test_keys_in_the_header_are_ignored(attacker: TestClient, sign: Sign, denied: Denied, parameter: str) -> None:
    """A key, or the address of one, that the token brings along is not used."""
    own = RSAKey.generate_key(2048)
    brought = {
        "jwk": own.as_dict(private=False),
        "jku": "http://127.0.0.1:1/jwks.json",
        "x5u": "http://127.0.0.1:1/key.pem",
        "x5c": [own.as_pem(private=False).decode()],
    }[parameter]
    token = sign({"alg": "RS256", parameter: brought}, claims(), own, "RS256")
    denied(attacker.get("/me", headers=bearer(token)), "token-signature")


@pytest.mark.parametrize(
    "key_id",
    [
        "../../../../dev/null",
        "/dev/null",
        "' OR '1'='1' -- ",
        "http://127.0.0.1:1/key",
        "rsa-1\u0000",
        "$(id)",
        "%2e%2e",
        "RSA-1",
    ],
)
def test_a_key_id_is_only_compared(attacker: TestClient, sign: Sign, denied: Denied, key_id: str) -> None:
    """A path, SQL or an address as key id opens, asks and fetches nothing; the empty key is no key."""
    denied(
        attacker.get("/me", headers=bearer(sign({"alg": "HS256", "kid": key_id}, claims(iss="maestro"), b"", "HS256"))),
        "token-signature",
    )
    own = RSAKey.generate_key(2048)
    denied(
        attacker.get("/me", headers=bearer(sign({"alg": "RS256", "kid": key_id}, claims(), own, "RS256"))),
        "token-signature",
    )


@pytest.mark.parametrize("key_id", [7, ["rsa-1"], {"a": 1}, True, "", "k" * 257])
def test_a_key_id_is_a_short_text(
    attacker: TestClient, sign: Sign, denied: Denied, rsa_key: RSAKey, key_id: Any
) -> None:
    """A key id of another type or without end is refused, even under a good signature."""
    denied(
        attacker.get("/me", headers=bearer(sign({"alg": "RS256", "kid": key_id}, claims(), rsa_key, "RS256"))),
        "token-header",
    )


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"]}, {"crit": ["x"], "x": 1}, {"crit": []}, {"zip": "DEF"}, {"b64": False, "crit": ["b64"]}, {"enc": "A256GCM"},
    ],
)  # fmt: skip
def test_extensions_are_refused(
    attacker: TestClient, sign: Sign, denied: Denied, rsa_key: RSAKey, header: dict[str, Any]
) -> None:
    """A header that asks for an extension, for decompression or for another form is refused, signature or not."""
    token = sign({"alg": "RS256", "kid": rsa_key.kid, **header}, claims(), rsa_key, "RS256")
    denied(attacker.get("/me", headers=bearer(token)), "token-header")


def test_a_compressed_payload_is_not_unpacked(
    attacker: TestClient, sign: Sign, denied: Denied, rsa_key: RSAKey
) -> None:
    """A payload that would grow to many times its size stays as it is."""
    bomb = zlib.compress(b'{"a":"' + b"a" * 1_000_000 + b'"}')
    token = sign({"alg": "RS256", "kid": rsa_key.kid}, bomb, rsa_key, "RS256")
    denied(attacker.get("/me", headers=bearer(token)), "token-format")
    token = sign({"alg": "RS256", "kid": rsa_key.kid, "zip": "DEF"}, claims(), rsa_key, "RS256")
    denied(attacker.get("/me", headers=bearer(token)), "token-header")


@pytest.mark.parametrize("kind", ["logout+jwt", "dpop+jwt", "secevent+jwt", "JWE", 7, None])
def test_tokens_for_something_else_are_refused(
    attacker: TestClient, sign: Sign, denied: Denied, rsa_key: RSAKey, kind: Any
) -> None:
    """A good signature under a token of another type does not make it an access token."""
    token = sign({"alg": "RS256", "kid": rsa_key.kid, "typ": kind}, claims(), rsa_key, "RS256")
    denied(attacker.get("/me", headers=bearer(token)), "token-type")


def test_time_is_kept(attacker: TestClient, sign: Sign, denied: Denied, rsa_key: RSAKey) -> None:
    """Tokens that are over, not begun or issued in the future are refused; the first says when it ended."""
    now = int(time.time())

    def sent(**changes: Any) -> Any:
        token = sign({"alg": "RS256", "kid": rsa_key.kid}, claims(**changes), rsa_key, "RS256")
        return attacker.get("/me", headers=bearer(token))

    document = denied(sent(exp=now - 31), "token-not-expired", "TOKEN_EXPIRED")
    assert document["expired_at"] == now - 31
    denied(sent(nbf=now + 3_600), "token-not-before")
    denied(sent(iat=now + 3_600), "token-not-before")


@pytest.mark.parametrize("issuer", ["https://evil.example", ISSUER + "/", ISSUER.upper(), "", None, 7, [ISSUER]])
def test_other_issuers_are_refused(
    attacker: TestClient, sign: Sign, denied: Denied, rsa_key: RSAKey, issuer: Any
) -> None:
    """Who is not named exactly, as one text, is not trusted."""
    token = sign({"alg": "RS256", "kid": rsa_key.kid}, claims(iss=issuer), rsa_key, "RS256")
    denied(attacker.get("/me", headers=bearer(token)), "token-issuer")


@pytest.mark.parametrize("audience", ["billing", "orders2", "", None, 7, ["billing"], [], {"orders": 1}, [["orders"]]])
def test_other_audiences_are_refused(
    attacker: TestClient, sign: Sign, denied: Denied, rsa_key: RSAKey, audience: Any
) -> None:
    """A token for somebody else is refused, whatever form the claim has."""
    token = sign({"alg": "RS256", "kid": rsa_key.kid}, claims(aud=audience), rsa_key, "RS256")
    denied(attacker.get("/me", headers=bearer(token)), "token-audience")


@pytest.mark.parametrize(
    "payload",
    [
        b'{"sub":"ada","sub":"root"}',
        b"[]", b"7", b'"ada"', b"null", b"", b"{", b"\xff\xfe", b'{"exp": NaN}', b'{"exp": Infinity}', b"{}{}",
        b"[" * 3_000, b'{"a":' * 1_000,
    ],
)  # fmt: skip
def test_ambiguous_and_broken_json_is_refused(
    attacker: TestClient, sign: Sign, denied: Denied, rsa_key: RSAKey, payload: bytes
) -> None:
    """A payload that is no object, has a claim twice or nests without end is refused before its signature is looked at."""
    token = sign({"alg": "RS256", "kid": rsa_key.kid}, payload, rsa_key, "RS256")
    denied(attacker.get("/me", headers=bearer(token)), "token-format")


def test_a_header_with_a_member_twice_is_refused(
    attacker: TestClient, sign: Sign, denied: Denied, rsa_key: RSAKey
) -> None:
    """Two algorithms in one header mean different things to different readers."""
    header = b'{"alg":"none","alg":"RS256","kid":"rsa-1"}'
    denied(attacker.get("/me", headers=bearer(sign(header, claims(), rsa_key, "RS256"))), "token-format")


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": "9999999999"}, {"exp": None}, {"exp": True}, {"exp": [9_999_999_999]}, {"exp": 1e300}, {"exp": 10**400}, {"exp": -1},
        {"iat": "1"}, {"iat": None}, {"iat": False}, {"nbf": "1"}, {"nbf": {}},
        {"sub": None}, {"sub": 7}, {"sub": ["ada"]}, {"sub": ""}, {"sub": "a" * 257},
        {"roles": "admin"}, {"roles": [7]}, {"roles": {"admin": True}}, {"roles": [["admin"]]}, {"roles": ["a"] * 257},
        {"scope": ["a"]}, {"scope": 7}, {"jti": 7}, {"jti": ""},
    ],
)  # fmt: skip
def test_claims_of_the_wrong_type_are_refused(
    attacker: TestClient, sign: Sign, denied: Denied, rsa_key: RSAKey, changes: dict[str, Any]
) -> None:
    """A claim is used only when it is what its specification says; numbers are within reach."""
    token = sign({"alg": "RS256", "kid": rsa_key.kid}, claims(**changes), rsa_key, "RS256")
    denied(attacker.get("/me", headers=bearer(token)), "token-claims")


@pytest.mark.parametrize(
    "text",
    [
        "ada\0root",
        "ada\nlevel=ERROR",
        "ada\r\nSet-Cookie: a=b",
        "\u202eada",
        "a\u200bda",
        "ada\ud800",
        "\x1b[31mada",
        "ada\u2028x",
    ],
)
@pytest.mark.parametrize("claim", ["sub", "roles", "scope", "jti"])
def test_invisible_characters_are_refused(
    attacker: TestClient, sign: Sign, denied: Denied, rsa_key: RSAKey, claim: str, text: str
) -> None:
    """Null bytes, line ends, escape codes, halves of surrogate pairs and what turns or hides text never reach a log line."""
    value = [text] if claim == "roles" else text
    token = sign({"alg": "RS256", "kid": rsa_key.kid}, claims(**{claim: value}), rsa_key, "RS256")
    denied(attacker.get("/me", headers=bearer(token)), "token-claims")


def test_lookalikes_are_other_people(attacker: TestClient, sign: Sign, rsa_key: RSAKey) -> None:
    """Letters of other scripts are let through as they are, and do not become the role or the name that they look like."""
    token = sign(
        {"alg": "RS256", "kid": "rsa-1"}, claims(sub="\u0430da", roles=["\u0430dmin", "ADMIN"]), rsa_key, "RS256"
    )
    assert attacker.get("/me", headers=bearer(token)).json() == {
        "subject": "\u0430da",
        "roles": ["ADMIN", "\u0430dmin"],
    }


def test_oversized_tokens_are_not_looked_at(attacker: TestClient, sign: Sign, denied: Denied, rsa_key: RSAKey) -> None:
    """A token beyond max_token_bytes is refused, and the answer does not repeat it."""
    token = sign({"alg": "RS256", "kid": rsa_key.kid}, claims(pad="x" * 9_000), rsa_key, "RS256")
    response = attacker.get("/me", headers=bearer(token))
    denied(response, "token-size")
    assert len(response.content) < 1_000


def test_every_truncation_is_refused(attacker: TestClient, sign: Sign, denied: Denied, ec_key: ECKey) -> None:
    """A token that was cut off anywhere is refused."""
    token = sign({"alg": "ES256", "kid": ec_key.kid}, claims(), ec_key, "ES256")
    for length in range(1, len(token), 7):
        answer = attacker.get("/me", headers=bearer(token[:length]))
        denied(answer, answer.json()["rule"])
        assert answer.json()["rule"] in {"token-format", "token-signature"}


def test_every_other_spelling_is_refused(attacker: TestClient, sign: Sign, denied: Denied, ec_key: ECKey) -> None:
    """Padding, other alphabets, blanks and further parts do not make a second spelling of the same token."""
    token = sign({"alg": "ES256", "kid": ec_key.kid}, claims(), ec_key, "ES256")
    head, body, signature = token.split(".")
    for bent in (
        f"{token}=", f"{token}.", f".{token}", f"{token}.{signature}", f"{head}.{body}", f"{head}..{signature}", f"{head}.{body} .{signature}",
        f"{head}.{body}.{signature},{token}", f"{head}.{body}+.{signature}", f"{head}.{body}.{signature}A", "..", "...", "a.b.c",
    ):  # fmt: skip
        answer = attacker.get("/me", headers=bearer(bent))
        denied(answer, answer.json()["rule"])
        assert answer.json()["rule"] in {"token-format", "token-signature"}


def test_two_credentials_are_none(attacker: TestClient, secret: str, denied: Denied, api_key: Any) -> None:
    """A request with two tokens, or with a token and an API key, is refused: a gateway may have looked at the other one."""
    good = f"Bearer {issue_token(secret, subject='ada', audience='orders')}"
    for second in (("Authorization", "Bearer x"), ("Authorization", good), ("X-API-Key", api_key[0])):
        response = attacker.get("/me", headers=[("Authorization", good), second])
        denied(response, "one-credential", "AUTH_REQUIRED")


def test_a_revoked_token_is_refused_at_once(
    attacker: TestClient, target: MaestroAPI, secret: str, denied: Denied
) -> None:
    """A token that was used a moment ago, and so is remembered, is refused as soon as it is revoked."""
    token = issue_token(secret, subject="ada", audience="orders", token_id="t-1")
    other = issue_token(secret, subject="ada", audience="orders", token_id="t-2")
    for good in (token, other):
        assert attacker.get("/me", headers=bearer(good)).status_code == 200
    target.authenticator.revoke_token("t-1", until=datetime.now(UTC) + timedelta(minutes=15))
    denied(attacker.get("/me", headers=bearer(token)), "token-not-revoked")
    assert attacker.get("/me", headers=bearer(other)).status_code == 200
