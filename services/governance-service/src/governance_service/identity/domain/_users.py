"""Users of the platform."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ._errors import InvalidIdentityError

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,126}")
_TENANT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_RESERVED: Final = frozenset({"system", "unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who may sign in."""

    user_id: str
    name: str
    """Unique on the platform, and never given out again: tokens and the audit trail know the user by it."""
    tenant: str | None
    """The tenant that the user belongs to; None for the platform's own."""
    roles: frozenset[str]
    created_at: datetime
    disabled_at: datetime | None
    """Since when the user may not sign in; None: they may."""
    password_changed_at: datetime | None
    """When the password was set; None: there is none."""
    must_change_password: bool
    """Whether somebody else has set the password."""
    external: str | None
    """The outside provider that the user signs in with; None: a password."""


def checked_name(name: str) -> str:
    """Return the one spelling of a user's name.

    Args:
        name: As it was typed.

    Raises:
        InvalidIdentityError: It is none.
    """
    spelt = name.strip().lower()
    if not _NAME.fullmatch(spelt) or spelt in _RESERVED:
        message = "must be letters, digits and . _ @ + -, at most 127, in plain ASCII, beginning with a letter or digit"
        raise InvalidIdentityError({"name": message})
    return spelt


def checked_tenant(tenant: str | None) -> str | None:
    """Return a tenant's name.

    Args:
        tenant: The name; None for the platform's own.

    Raises:
        InvalidIdentityError: It is none.
    """
    if tenant is not None and not _TENANT.fullmatch(tenant):
        raise InvalidIdentityError({"tenant": "must be lower-case letters, digits and -, at most 63"})
    return tenant
