"""Who acts, and who may."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_ALL_ROLES: Final = "admin"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who does something about an approval."""

    name: str
    """The subject of the caller's token: equal names are one person, whoever vouches for them."""
    roles: frozenset[str] = frozenset()
    """Every role that the caller has, those included that a higher one grants."""
    tenant: str | None = None
    """The tenant that the caller belongs to; None for the platform's own people and services."""
    looks_in: str | None = None
    """Whose approvals are meant, for the platform's admins: a tenant's, or the platform's own (empty). None for wherever the id is known."""

    def has_role(self, role: str) -> bool:
        """Tell whether the actor has a role; `admin` stands for every role.

        Args:
            role: The role.
        """
        return role in self.roles or _ALL_ROLES in self.roles

    @property
    def is_admin(self) -> bool:
        """Whether the actor may do what the one who asked for an approval may."""
        return _ALL_ROLES in self.roles


@dataclass(frozen=True, slots=True)
class Candidates:
    """Who may decide: persons, and everybody who has a role."""

    users: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    def include(self, actor: Actor) -> bool:
        """Tell whether somebody is among them.

        Args:
            actor: The person.
        """
        return actor.name in self.users or any(actor.has_role(role) for role in self.roles)


@dataclass(frozen=True, slots=True)
class Level:
    """Whom an approval goes to, and for how long."""

    candidates: Candidates
    lasts: timedelta | None = None
    """How long they have; None for as long as it takes, which the last level alone may be."""
