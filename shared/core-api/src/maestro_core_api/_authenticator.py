"""Who sent a request: its token or its API key, checked once and then remembered for a while."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from ._api_keys import APIKey, parse_api_key, secret_matches
from ._claims import TokenExpiredError
from ._compact_token import TokenRefusedError
from ._denials import Denials
from ._jwks import KeysUnavailableError
from ._key_store import KeyStore
from ._principal import Principal
from ._remembered import RememberedCallers
from ._security_config import SecurityConfig
from ._tokens import TokenVerifier

_KEY_SCHEME: Final = b"ApiKey "
_NOBODY: Final = APIKey(key_id="-", hash="", subject="-", created_at=datetime.fromtimestamp(0, UTC))


class Authenticator:
    """Tells who sent a request. `MaestroAPI.authenticator` is a service's own.

    Args:
        security: Keys, issuers and how API keys are read.
        service_name: Named in challenges.
        key_store: Where API keys are kept; None accepts none.
    """

    def __init__(self, security: SecurityConfig, service_name: str, *, key_store: KeyStore | None = None) -> None:
        self._options = security.api_keys
        self._key_header = None if key_store is None else security.api_keys.header.lower().encode("ascii")
        self._key_store = key_store
        self._tokens = TokenVerifier(security)
        self._denials = Denials(service_name)
        self._remembered = RememberedCallers()
        self._revoked: dict[str, float] = {}

    @property
    def configured(self) -> bool:
        """Whether anybody can be recognised at all."""
        return self._tokens.configured or self._key_store is not None

    def remembered(self, headers: Iterable[tuple[bytes, bytes]]) -> Principal | None:
        """Return a caller who was recognised before, without asking anybody: what nearly every request takes.

        Args:
            headers: Headers of the request, their names in lower case.

        Returns:
            The caller; None when `authenticate` must look.

        Raises:
            UnauthorizedException: There is more than one credential.
        """
        credential = self._presented(headers)
        return None if credential is None else self._remembered.get(credential)

    @property
    def api_key_header(self) -> str | None:
        """Name of the header that carries API keys; None where none are accepted."""
        return None if self._key_store is None else self._options.header

    async def authenticate(self, headers: Iterable[tuple[bytes, bytes]]) -> Principal:
        """Recognise a caller, and remember it.

        Args:
            headers: Headers of the request, their names in lower case.

        Returns:
            The caller.

        Raises:
            UnauthorizedException: With `error_code` AUTH_NOT_CONFIGURED, AUTH_REQUIRED, TOKEN_EXPIRED, TOKEN_INVALID,
                API_KEY_INVALID, API_KEY_EXPIRED or API_KEY_REVOKED, and the `rule` that was broken.
            ServiceUnavailableException: The keys of the token's issuer cannot be had now.
        """
        credential = self._presented(headers)
        if not self.configured:
            raise self._denials.not_configured()
        scheme, _, value = (credential or b"").partition(b" ")
        value = value.strip()
        if self._key_store is not None and self._is_api_key(scheme, value):
            caller, until = await self._check_api_key(value, self._key_store)
        elif scheme.lower() == b"bearer" and value:
            caller, until = await self._check_token(value)
        else:
            advice = "send 'Authorization: Bearer <token>'"
            if credential and scheme.lower() != b"bearer":
                advice = f"the Authorization header does not use the Bearer scheme; {advice}"
            raise self._denials.missing(advice)
        assert credential is not None
        self._remembered.put(credential, caller, until)
        return caller

    def revoke_token(self, token_id: str, *, until: datetime) -> None:
        """Refuse a token from now on, in this process. A service that hears of revocations calls this for each.

        Args:
            token_id: The token's `jti`.
            until: When the token ends by itself; afterwards the revocation is forgotten.
        """
        now = time.time()
        self._revoked = {known: end for known, end in self._revoked.items() if end > now}
        self._revoked[token_id] = until.timestamp()
        self._remembered.forget(lambda caller: caller.token_id == token_id)

    def forget_api_key(self, key_id: str) -> None:
        """Look an API key up again when it is used next, and so see at once that it was revoked.

        Args:
            key_id: Id of the key.
        """
        self._remembered.forget(lambda caller: caller.key_id == key_id)

    def _presented(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
        """Return the one credential, in the form that `Authorization` has; two of them could mean two callers."""
        found: bytes | None = None
        for name, value in headers:
            if name == b"authorization":
                credential = value
            elif name == self._key_header:
                credential = _KEY_SCHEME + value
            else:
                continue
            if found is not None:
                raise self._denials.missing(
                    "the request has more than one Authorization or API key header; send one", rule="one-credential"
                )
            found = credential
        return found

    def _is_api_key(self, scheme: bytes, value: bytes) -> bool:
        scheme = scheme.lower()
        return scheme == b"apikey" or (
            scheme == b"bearer" and value.startswith(f"{self._options.prefix}_".encode("ascii"))
        )

    async def _check_token(self, token: bytes) -> tuple[Principal, float]:
        try:
            caller, until = await self._tokens.verify(token)
        except TokenExpiredError as error:
            raise self._denials.token_expired(error.expired_at) from error
        except TokenRefusedError as error:
            raise self._denials.token_invalid(error.detail, error.rule) from error
        except KeysUnavailableError as error:
            raise self._denials.keys_unavailable(error.retry_after) from error
        if caller.token_id is not None and self._revoked.get(caller.token_id, 0.0) > time.time():
            raise self._denials.token_invalid("the token was revoked", "token-not-revoked")
        return caller, until

    async def _check_api_key(self, value: bytes, store: KeyStore) -> tuple[Principal, float]:
        parsed = parse_api_key(value.decode("latin-1"), self._options.prefix)
        if parsed is None:
            raise self._denials.api_key_invalid(
                "the API key is cut off, mistyped or not one of this service", "api-key-format"
            )
        key_id, secret = parsed
        record = await store.find(key_id) or _NOBODY
        # An unknown id and a wrong secret take the same way to the same answer: nobody learns which ids there are.
        matches = secret_matches(record, secret, self._options.pepper)
        if record.key_id != key_id or not matches:
            raise self._denials.api_key_invalid("there is no such API key", "api-key-known")
        now = datetime.now(UTC)
        if record.revoked_at is not None and record.revoked_at <= now:
            raise self._denials.api_key_invalid("the API key was revoked", "api-key-not-revoked", "API_KEY_REVOKED")
        if record.expires_at is not None and record.expires_at <= now:
            raise self._denials.api_key_invalid("the API key has expired", "api-key-not-expired", "API_KEY_EXPIRED")
        until = (now + self._options.remember).timestamp()
        if record.expires_at is not None:
            until = min(until, record.expires_at.timestamp())
        return Principal(record.subject, record.roles, record.scopes, key_id=key_id, tenant=record.tenant), until
