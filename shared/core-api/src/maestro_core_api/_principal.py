"""Who calls, and what that caller may do. Rules only: no tokens, no HTTP."""

from dataclasses import dataclass
from typing import Final

ROLE_ORDER: Final = ("viewer", "operator", "approver", "admin")
"""The roles of the platform; each includes the ones before it."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller that a token speaks for."""

    subject: str
    """Who: a person's or a service's name."""
    roles: frozenset[str] = frozenset()
    """Roles that the token names."""
    scopes: frozenset[str] = frozenset()
    """OAuth-style scopes that the token names."""

    def has_role(self, role: str) -> bool:
        """Tell whether the caller has a role, itself or through a higher one.

        Args:
            role: Role to look for. A role outside of the platform's order must be named by the token; `admin`
                includes it.

        Returns:
            True when the caller has it.
        """
        return not self.roles.isdisjoint(sufficient_roles(role))


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
