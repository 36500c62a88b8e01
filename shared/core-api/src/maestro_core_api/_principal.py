"""Who calls, and what that caller may do. Rules only: no tokens, no HTTP."""

from dataclasses import dataclass
from typing import Final

ROLE_ORDER: Final = ("viewer", "operator", "approver", "admin")
"""The roles of the platform; each includes the ones before it."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller that a token or an API key speaks for."""

    subject: str
    """Who: a person's or a service's name."""
    roles: frozenset[str] = frozenset()
    """Roles that the token names."""
    scopes: frozenset[str] = frozenset()
    """OAuth-style scopes that the token names."""
    issuer: str | None = None
    """Who issued the token; None for an API key."""
    token_id: str | None = None
    """The token's `jti`; None when it has none."""
    key_id: str | None = None
    """Id of the API key; None for a token."""
    tenant: str | None = None
    """The tenant that the caller belongs to; None when its token or key names none."""

    @property
    def identity(self) -> str:
        """The caller's name together with who vouches for it: equal names from two issuers are two callers."""
        return f"key:{self.key_id}" if self.key_id is not None else f"{self.issuer}:{self.subject}"

    def has_role(self, role: str) -> bool:
        """Tell whether the caller has a role, itself or through a higher one.

        Args:
            role: Role to look for. A role outside of the platform's order must be named by the token; `admin`
                includes it.

        Returns:
            True when the caller has it.
        """
        return not self.roles.isdisjoint(sufficient_roles(role))

    def has_scopes(self, *scopes: str) -> bool:
        """Tell whether the caller has scopes. No role includes a scope: a scope says how far one token reaches.

        Args:
            *scopes: Scopes to look for.

        Returns:
            True when the caller has all of them.
        """
        return self.scopes.issuperset(scopes)


def sufficient_roles(role: str) -> tuple[str, ...]:
    """Return every role that grants what a role grants.

    Args:
        role: The role asked for.

    Returns:
        That role and all higher ones, lowest first.
    """
    if role in ROLE_ORDER:
        return ROLE_ORDER[ROLE_ORDER.index(role) :]
    return (role, "admin")
