"""Roles, and who may give which to whom."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from maestro_core_api import Principal

from ._errors import InvalidIdentityError, NotGrantableError

ADMIN: Final = "admin"
TENANT_ADMIN: Final = "tenant-admin"
AUDITOR: Final = "auditor"
BUILT_IN: Final = {
    "viewer": "Reads.",
    "operator": "Starts and changes runs.",
    "approver": "Decides on approvals.",
    ADMIN: "Everything, for all tenants.",
    TENANT_ADMIN: "Administers the users and keys of its own tenant.",
    AUDITOR: "Reads the audit trail; somebody of a tenant its tenant's entries.",
}
"""The roles that are always there, and what they are for."""
_WITHIN_A_TENANT: Final = frozenset({"viewer", "operator", "approver", TENANT_ADMIN, AUDITOR})
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,128}")
_MOST: Final = 64


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the platform's own making: a name for scopes."""

    name: str
    description: str
    scopes: frozenset[str]


def check_role(name: str, scopes: Collection[str]) -> None:
    """Refuse a role that cannot be.

    Args:
        name: Its name.
        scopes: Its scopes.

    Raises:
        InvalidIdentityError: It names every fault.
    """
    faults = {}
    if name in BUILT_IN or not _NAME.fullmatch(name):
        faults["name"] = "must be lower-case letters, digits and -, at most 63, and none of the built-in roles"
    if len(scopes) > _MOST or not all(_SCOPE.fullmatch(scope) for scope in scopes):
        faults["scopes"] = f"must be at most {_MOST} texts of printable characters without blanks and quotes"
    if faults:
        raise InvalidIdentityError(faults)


def check_grant(caller: Principal, roles: Iterable[str], tenant: str | None, known: Collection[str]) -> None:
    """Refuse a grant of roles that the caller may not give, or that do not go together with a tenant.

    `admin` never belongs to a tenant: services that know no tenants take it for what it says.

    Args:
        caller: Who gives them.
        roles: The roles.
        tenant: The tenant of whoever gets them; None for the platform's own.
        known: Names of the roles that the platform has made.

    Raises:
        InvalidIdentityError: A role is not there.
        NotGrantableError: The caller may not.
    """
    check_reach(caller, tenant)
    for role in roles:
        if role not in BUILT_IN and role not in known:
            raise InvalidIdentityError({"roles": f"names {role!r}, and there is no such role"})
        if tenant is not None and role not in _WITHIN_A_TENANT:
            if role == ADMIN:
                raise NotGrantableError("role-within-tenant", "admin is for all tenants; tenant-admin is for one")
            if caller.tenant is not None:
                raise NotGrantableError("role-within-tenant", f"only an admin of the platform may give {role}")
        if tenant is None and role == TENANT_ADMIN:
            raise NotGrantableError("role-within-tenant", "tenant-admin is for somebody of a tenant")


def check_reach(caller: Principal, tenant: str | None) -> None:
    """Refuse a caller who may not administer a tenant.

    Args:
        caller: Who calls.
        tenant: The tenant; None for the platform's own.

    Raises:
        NotGrantableError: The caller may not.
    """
    if not may_administer(caller, tenant):
        raise NotGrantableError(
            "tenant", f"{caller.subject} may not administer {tenant or 'what belongs to no tenant'}"
        )


def may_administer(caller: Principal, tenant: str | None) -> bool:
    """Tell whether a caller may administer a tenant.

    Args:
        caller: Who calls.
        tenant: The tenant; None for the platform's own.
    """
    if caller.tenant is None:
        return caller.has_role(ADMIN)
    return caller.tenant == tenant and TENANT_ADMIN in caller.roles


def check_own_grant(caller: Principal, roles: Iterable[str], scopes: Iterable[str]) -> None:
    """Refuse a key of one's own that could do more than oneself.

    Args:
        caller: Whose key.
        roles: Its roles.
        scopes: Its scopes.

    Raises:
        NotGrantableError: The caller has not all of them.
    """
    beyond = [role for role in roles if not caller.has_role(role)]
    if beyond:
        raise NotGrantableError(
            "own-roles", f"{caller.subject} has not the role {beyond[0]}, so a key of theirs cannot"
        )
    missing = [scope for scope in scopes if scope not in caller.scopes]
    if missing:
        raise NotGrantableError(
            "own-scopes", f"{caller.subject} has not the scope {missing[0]}, so a key of theirs cannot"
        )


def still_held(roles: Collection[str], owner: Collection[str]) -> frozenset[str]:
    """Return those roles of a key that its owner has, now.

    Args:
        roles: The key's.
        owner: The owner's.
    """
    holder = Principal("owner", frozenset(owner))
    return frozenset(role for role in roles if holder.has_role(role))
