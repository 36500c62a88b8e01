"""Tokens bent at random: whatever comes, the answer is a refusal and never a failure."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maestro_core_api import SecurityConfig, UnauthorizedException, issue_token
from maestro_core_api._authenticator import Authenticator
from maestro_core_api._compact_token import TokenRefusedError, read_compact

SECRET = "a-secret-for-tests-of-at-least-32-bytes"
# Made while tests are collected, used whenever this one has its turn.
GOOD = issue_token(SECRET, subject="ada", expires_in=timedelta(days=1)).encode()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(st.binary(max_size=300))
def test_bytes_are_read_or_refused(junk: bytes) -> None:
    """Any bytes are refused in the one way."""
    with pytest.raises(TokenRefusedError):
        read_compact(junk)


@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD) - 1), st.sampled_from(["change", "drop", "double"]), st.integers(0, 255)),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=150, deadline=None)
async def test_no_bent_token_is_let_in(changes: list[tuple[int, str, int]]) -> None:
    """A token in which any bytes were changed, dropped or doubled is refused, unless the changes undid each other."""
    bent = bytearray(GOOD)
    for place, kind, byte in changes:
        at = place % len(bent)
        if kind == "change":
            bent[at] = byte
        elif kind == "drop":
            del bent[at]
        else:
            bent.insert(at, bent[at])
    authenticator = Authenticator(SecurityConfig(jwt_secret_key=SECRET), "orders")
    header = b"Bearer " + bytes(bent)
    if bytes(bent).strip() == GOOD:
        assert (await authenticator.authenticate([(b"authorization", header)])).subject == "ada"
        return
    with pytest.raises(UnauthorizedException) as refused:
        await authenticator.authenticate([(b"authorization", header)])
    assert refused.value.extra["rule"].startswith(("token-", "bearer-"))


@given(
    header=JSON,
    changes=st.dictionaries(st.sampled_from(["sub", "iss", "aud", "exp", "iat", "nbf", "roles", "scope", "jti"]), JSON),
)
@settings(max_examples=150, deadline=None)
async def test_no_signed_claims_make_a_failure(sign: Any, header: Any, changes: dict[str, Any]) -> None:
    """Claims of any shape under a good signature are a caller or a refusal, never an exception."""
    now = int(time.time())
    claims = {"iss": "maestro", "sub": "ada", "iat": now, "exp": now + 600, **changes}
    head = {"alg": "HS256", **(header if isinstance(header, dict) else {"kid": header})}
    authenticator = Authenticator(SecurityConfig(jwt_secret_key=SECRET), "orders")
    token = sign(json.dumps(head).encode(), json.dumps(claims).encode(), SECRET.encode(), "HS256")
    refusal: UnauthorizedException | None = None
    try:
        caller = await authenticator.authenticate([(b"authorization", b"Bearer " + token.encode())])
    except UnauthorizedException as error:
        refusal = error
    if refusal is not None:
        assert refusal.extra["rule"].startswith("token-")
        return
    assert caller.subject.isprintable()
    assert caller.roles == frozenset(claims.get("roles") or ())
