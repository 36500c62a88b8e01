"""Stream tickets: what a browser opens a stream with, whose `EventSource` and `WebSocket` send no headers. Rules only.

A ticket stands in the address and may so end up in logs. It is good for streams alone, for a minute, and with the roles of whoever
asked for it; it is no token.
"""

import base64
import binascii
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import SecretStr

from maestro_core_api import Principal

_PURPOSE: Final = b"maestro orchestration-gateway: stream tickets, version 1"
_MAX_LENGTH: Final = 4_096


class TicketError(Exception):
    """A ticket does not open a stream; the message says why."""


class Tickets:
    """Writes and reads tickets.

    Args:
        secret: The platform's shared key; None writes and reads none.
        lifetime: How long a ticket opens streams.
    """

    def __init__(self, secret: SecretStr | None, lifetime: timedelta) -> None:
        self._lifetime = lifetime
        # A key of its own: nothing else that is signed with the platform's key can pass for a ticket, and no ticket for it.
        self._key = None if secret is None else hmac.digest(secret.get_secret_value().encode(), _PURPOSE, "sha256")

    @property
    def lifetime(self) -> timedelta:
        """How long a ticket opens streams."""
        return self._lifetime

    def write(self, caller: Principal, now: datetime) -> str:
        """Write a ticket.

        Args:
            caller: Who asks for it.
            now: The present.

        Raises:
            TicketError: There is no key to sign it with.
        """
        if self._key is None:
            raise TicketError("the service has no jwt_secret to sign tickets with")
        claims = {
            "sub": caller.subject,
            "iss": caller.issuer,
            "roles": sorted(caller.roles),
            "tenant": caller.tenant,
            "exp": int((now + self._lifetime).timestamp()) + 1,
        }
        payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
        return f"{payload.decode()}.{self._mac(self._key, payload)}"

    def read(self, ticket: str, now: datetime) -> Principal:
        """Read a ticket.

        Args:
            ticket: The ticket.
            now: The present.

        Returns:
            Who asked for it.

        Raises:
            TicketError: It was not written here, or its time is over.
        """
        if self._key is None or len(ticket) > _MAX_LENGTH or not ticket.isascii():
            raise TicketError("the ticket is not valid")
        payload, _, mac = ticket.partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(self._key, payload.encode()).encode()):
            raise TicketError("the ticket is not valid")
        try:
            claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (binascii.Error, ValueError) as error:
            raise TicketError("the ticket is not valid") from error
        if now.timestamp() >= claims["exp"]:
            raise TicketError("the ticket has expired; ask for a new one with POST /live/tickets")
        return Principal(claims["sub"], frozenset(claims["roles"]), issuer=claims["iss"], tenant=claims["tenant"])

    @staticmethod
    def _mac(key: bytes, payload: bytes) -> str:
        return hmac.new(key, payload, hashlib.sha256).hexdigest()
