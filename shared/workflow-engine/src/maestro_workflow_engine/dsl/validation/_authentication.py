"""Authentication policies: basic, bearer, digest, OAuth 2 and OpenID Connect, or the name of one under `use`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maestro_workflow_engine.dsl._faults import suggest
from maestro_workflow_engine.dsl.validation._rules import (
    Check,
    Findings,
    Where,
    choice,
    list_of,
    name,
    record,
    text,
)
from maestro_workflow_engine.dsl.validation._texts import uri


def _or_secret(what: str, fields: Mapping[str, Check], required: tuple[str, ...]) -> Check:
    """Accept properties, or the name of a secret that holds them."""
    given = record(what, fields, required)
    secret = record(f"{what} from a secret", {"use": name}, ("use",))

    def check(value: Any, where: Where, findings: Findings) -> None:
        (secret if type(value) is dict and "use" in value else given)(value, where, findings)

    return check


_TOKEN = record("a token", {"token": text, "type": text}, ("token", "type"))
_GRANTS = (
    "authorization_code",
    "client_credentials",
    "password",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:token-exchange",
)
_CLIENT = {
    "id": text,
    "secret": text,
    "assertion": text,
    "authentication": choice(
        "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"
    ),
}
_ENCODING = choice("application/x-www-form-urlencoded", "application/json")
_OIDC: Mapping[str, Check] = {
    "authority": uri,
    "grant": choice(*_GRANTS),
    "client": record("an OAuth 2 client", _CLIENT),
    "request": record("a token request", {"encoding": _ENCODING}, closed=False),
    "issuers": list_of(text),
    "scopes": list_of(text),
    "audiences": list_of(text),
    "username": text,
    "password": text,
    "subject": _TOKEN,
    "actor": _TOKEN,
}
_ENDPOINTS = record("OAuth 2 endpoints", dict.fromkeys(("token", "revocation", "introspection"), text), closed=False)
_LOGIN = {"username": text, "password": text}

SCHEMES: Mapping[str, Check] = {
    "basic": _or_secret("basic authentication", _LOGIN, ("username", "password")),
    "bearer": _or_secret("bearer authentication", {"token": text}, ("token",)),
    "digest": _or_secret("digest authentication", _LOGIN, ("username", "password")),
    "oauth2": _or_secret("OAuth 2 authentication", {**_OIDC, "endpoints": _ENDPOINTS}, ("authority", "grant")),
    "oidc": _or_secret("OpenID Connect authentication", _OIDC, ("authority", "grant")),
}

authentication = record("an authentication", {"use": name, **SCHEMES}, exactly_one=[("use", *SCHEMES)])
"""An authentication where it is used: one scheme, or the name of a policy under `use`."""


def policy(value: Any, where: Where, findings: Findings) -> None:
    """Accept a policy under `use.authentications`: exactly one scheme that is as it should be.

    The schema leaves this mapping open, so other members are warned of only, a second scheme that is faulty among them.
    """
    if type(value) is not dict:
        findings.wrong_type(where, "a mapping", value)
        return
    tried: dict[str, Findings] = {}
    for key, one in value.items():
        if key in SCHEMES:
            SCHEMES[key](one, (where, key), tried.setdefault(key, Findings()))
        else:
            message = f"field {key!r} means nothing in an authentication and is ignored"
            findings.warn((where, key), "ignored-field", message, suggest(str(key), SCHEMES))
    sound = [key for key, found in tried.items() if all(finding.warning for finding in found)]
    if not tried:
        findings.fault(where, "missing-field", f"an authentication needs one of {', '.join(SCHEMES)}")
    elif len(sound) > 1:
        both = " and ".join(map(repr, sound))
        findings.fault((where, sound[1]), "too-many-fields", f"an authentication takes one scheme; it has {both}")
    for key, found in tried.items():
        if not sound or key in sound:
            findings.extend(found)
        else:
            findings.warn((where, key), "ignored-field", f"this {key!r} is faulty, and {sound[0]!r} is used instead")
