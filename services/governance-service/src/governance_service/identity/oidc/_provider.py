"""An outside provider: what it says of itself, its keys, and the exchange of a code for an ID token."""

import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import TypeAdapter

from governance_service.identity.config import OidcProviderSettings
from governance_service.identity.domain import OutsideLoginRefusedError, ProviderUnavailableError

from ._claims import OutsideIdentity, identity_of

_MOST_BYTES: Final = 512 * 1024
_DOCUMENT_AGE_S: Final = 3_600.0
_KEYS_AGAIN_AFTER_S: Final = 10.0
_OBJECT: Final[TypeAdapter[dict[str, Any]]] = TypeAdapter(dict[str, Any])
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_BROKEN: Final = (httpx2.HTTPError, httpx2.InvalidURL, ValueError, RecursionError)


class OidcProvider:
    """A provider, asked when somebody signs in with it.

    Args:
        name: Its name here.
        settings: What is known of it.
        client: Fetches; it follows no redirects.
    """

    def __init__(self, name: str, settings: OidcProviderSettings, client: httpx2.AsyncClient) -> None:
        self.name = name
        self.settings = settings
        self._client = client
        self._document: Mapping[str, Any] = {}
        self._document_at = float("-inf")
        self._keys: KeySet | None = None
        self._keys_at = float("-inf")

    async def authorization_url(self, *, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        """Return where a browser is sent to sign in.

        Args:
            redirect_uri: Where it comes back to.
            state: What it comes back with.
            nonce: What the ID token must have.
            challenge: The hash of what the code is exchanged with (RFC 7636).

        Raises:
            ProviderUnavailableError: The provider cannot be asked.
        """
        endpoint = (await self._discovered())["authorization_endpoint"]
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"

    async def identity(self, code: str, *, redirect_uri: str, nonce: str, verifier: str) -> OutsideIdentity:
        """Exchange a code for an ID token, and check it.

        Args:
            code: What the browser brought.
            redirect_uri: Where it came back to.
            nonce: What the ID token must have.
            verifier: What the challenge was the hash of.

        Returns:
            Who has signed in.

        Raises:
            ProviderUnavailableError: The provider cannot be asked.
            OutsideLoginRefusedError: The code is refused, or the ID token cannot be believed.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self.settings.client_id,
            "code_verifier": verifier,
        }
        secret = self.settings.client_secret
        auth = None if secret is None else httpx2.BasicAuth(self.settings.client_id, secret.get_secret_value())
        endpoint = (await self._discovered())["token_endpoint"]
        answer = await self._sent("POST", endpoint, data=form, auth=auth, refusals=(400, 401, 403))
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise OutsideLoginRefusedError("the provider gave no ID token for the code")
        claims = await self._verified(token)
        return identity_of(claims, self.name, self.settings, issuer=self.settings.issuer, nonce=nonce, now=time.time())

    async def _verified(self, token: str) -> dict[str, Any]:
        for attempt in range(2):
            keys = await self._key_set(again=attempt > 0)
            try:
                return dict(jwt.decode(token, keys, algorithms=list(self.settings.algorithms)).claims)
            except (JoseError, ValueError, TypeError, KeyError) as error:
                # The provider may have changed its keys since they were fetched.
                if attempt or time.monotonic() - self._keys_at < _KEYS_AGAIN_AFTER_S:
                    raise OutsideLoginRefusedError(
                        "the signature of the ID token is wrong, or its key is unknown"
                    ) from error
        raise AssertionError("unreachable")

    async def _key_set(self, *, again: bool) -> KeySet:
        if self._keys is None or again or time.monotonic() - self._keys_at > _DOCUMENT_AGE_S:
            document = await self._sent("GET", (await self._discovered())["jwks_uri"])
            keys = [key for key in document.get("keys", ()) if _is_public_signing_key(key)]
            try:
                self._keys = KeySet.import_key_set({"keys": keys})
            except (JoseError, ValueError, TypeError, KeyError) as error:
                raise ProviderUnavailableError(self.name, "its keys cannot be read") from error
            self._keys_at = time.monotonic()
        return self._keys

    async def _discovered(self) -> Mapping[str, Any]:
        if time.monotonic() - self._document_at > _DOCUMENT_AGE_S:
            issuer = self.settings.issuer
            document = await self._sent("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if document.get("issuer") != issuer:
                raise ProviderUnavailableError(self.name, f"what is found at {issuer} says that it is another issuer")
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not _is_safe(document.get(name)):
                    raise ProviderUnavailableError(self.name, f"its {name} is no https address")
            self._document, self._document_at = document, time.monotonic()
        return self._document

    async def _sent(
        self, method: str, url: str, *, refusals: tuple[int, ...] = (), **options: Any
    ) -> Mapping[str, Any]:
        try:
            headers = {"Accept": "application/json"}
            async with self._client.stream(
                method, url, headers=headers, timeout=self.settings.timeout_s, **options
            ) as answer:
                body = b""
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise ValueError(f"the answer has more than {_MOST_BYTES} bytes")
            if answer.status_code in refusals:
                raise OutsideLoginRefusedError("the provider refused the code")
            if answer.status_code != 200:
                raise ValueError(f"it answered {answer.status_code}")
            document = _OBJECT.validate_json(body)
        except _BROKEN as error:
            raise ProviderUnavailableError(self.name, str(error) or type(error).__name__) from error
        return document


def _is_safe(url: object) -> bool:
    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _is_public_signing_key(key: object) -> bool:
    # A symmetric key that is published is known to everybody.
    return isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"
