"""HTTP in and out of users and roles."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field, SecretStr

from governance_service.callers import PlatformAdmin
from governance_service.errors import in_http_terms
from governance_service.identity.accounts import NewPassword
from governance_service.identity.domain import Role, User
from maestro_core_api import Page, Paging, paging

from ._shared import Administrator, Body, Caller, TheIdentity

_RoleNames = Annotated[list[str], Field(max_length=64)]


class UserRequest(Body):
    """A new user."""

    name: str = Field(max_length=256)
    """The user's name; never given out a second time."""
    roles: _RoleNames = Field(default_factory=list)
    """The user's roles."""
    tenant: str | None = Field(default=None, max_length=64)
    """The user's tenant; the caller's own when absent."""
    password: SecretStr | None = Field(default=None, max_length=1024)
    """The first password; when absent one is made, shown once, and must be changed."""


class RolesRequest(Body):
    """All roles that a user has from now on."""

    roles: _RoleNames
    """The roles."""


class ResetRequest(Body):
    """A password that somebody else sets."""

    password: SecretStr | None = Field(default=None, max_length=1024)
    """The password; when absent one is made and shown once."""


class RoleRequest(Body):
    """A role of the platform's own making."""

    description: str = Field(default="", max_length=512)
    """What it is for."""
    scopes: list[str] = Field(default_factory=list, max_length=64)
    """The scopes that it gives."""


class UserView(Body):
    """A user."""

    name: str
    tenant: str | None
    roles: list[str]
    created_at: datetime
    disabled_at: datetime | None
    password_changed_at: datetime | None
    must_change_password: bool
    external: str | None

    @classmethod
    def of(cls, user: User) -> Self:
        """Show a user.

        Args:
            user: The user.
        """
        return cls(**_shown(user))


class NewUserView(UserView):
    """A user, with the password that was made."""

    password: str | None = None
    """Shown this once; absent when the caller chose it."""

    @classmethod
    def made(cls, new: NewPassword) -> Self:
        """Show a user and a new password.

        Args:
            new: Both.
        """
        return cls(**_shown(new.user), password=new.password)


class RoleView(Body):
    """A role."""

    name: str
    description: str
    scopes: list[str]

    @classmethod
    def of(cls, role: Role) -> Self:
        """Show a role.

        Args:
            role: The role.
        """
        return cls(name=role.name, description=role.description, scopes=sorted(role.scopes))


class RolesView(Body):
    """All roles."""

    roles: list[RoleView]


UserPaging = Annotated[Paging[str], Depends(paging(str, default=50, most=200))]
router = APIRouter(tags=["users"], dependencies=[Depends(in_http_terms)])


@router.post("/users", status_code=201)
async def create_user(
    data: UserRequest, caller: Administrator, identity: TheIdentity, response: Response
) -> NewUserView:
    """Make a user."""
    new = await identity.accounts.create(
        caller, data.name, roles=data.roles, tenant=data.tenant, password=_secret(data.password)
    )
    response.headers["Location"] = f"/users/{new.user.name}"
    return NewUserView.made(new)


@router.get("/users")
async def list_users(
    caller: Administrator,
    identity: TheIdentity,
    paging: UserPaging,
    tenant: Annotated[str | None, Query(description="Only those of this tenant.")] = None,
) -> Page[UserView]:
    """List users by name: those of the caller's tenant, and all for an admin of the platform."""
    found = await identity.accounts.listed(caller, tenant=tenant, after=paging.after, limit=paging.fetch)
    return paging.page([UserView.of(user) for user in found], lambda user: user.name)


@router.get("/users/{name}")
async def show_user(name: str, caller: Caller, identity: TheIdentity) -> UserView:
    """Show a user: oneself, or whom one administers."""
    return UserView.of(await identity.accounts.find(caller, name))


@router.put("/users/{name}/roles")
async def set_roles(name: str, data: RolesRequest, caller: Administrator, identity: TheIdentity) -> UserView:
    """Give a user other roles; their sessions end when one is taken away."""
    return UserView.of(await identity.accounts.set_roles(caller, name, data.roles))


@router.post("/users/{name}/disable")
async def disable_user(name: str, caller: Administrator, identity: TheIdentity) -> UserView:
    """Let a user sign in no more; their sessions end, their API keys are refused."""
    return UserView.of(await identity.accounts.disable(caller, name))


@router.post("/users/{name}/enable")
async def enable_user(name: str, caller: Administrator, identity: TheIdentity) -> UserView:
    """Let a user sign in again."""
    return UserView.of(await identity.accounts.enable(caller, name))


@router.post("/users/{name}/password")
async def reset_password(
    name: str, caller: Administrator, identity: TheIdentity, data: ResetRequest | None = None
) -> NewUserView:
    """Replace a user's password by one that the user must change; their sessions end."""
    password = None if data is None else _secret(data.password)
    return NewUserView.made(await identity.accounts.reset_password(caller, name, password))


@router.get("/roles")
async def list_roles(_caller: Caller, identity: TheIdentity) -> RolesView:
    """List all roles."""
    return RolesView(roles=[RoleView.of(role) for role in await identity.roles.listed()])


@router.put("/roles/{name}", responses={201: {"model": RoleView}})
async def put_role(
    name: str, data: RoleRequest, caller: PlatformAdmin, identity: TheIdentity, response: Response
) -> RoleView:
    """Make a role (201), or change what it is for (200)."""
    role, is_new = await identity.roles.put(caller, name, data.description, data.scopes)
    if is_new:
        response.status_code = 201
    return RoleView.of(role)


@router.delete("/roles/{name}", status_code=204)
async def remove_role(name: str, caller: PlatformAdmin, identity: TheIdentity) -> None:
    """Remove a role that nobody has."""
    await identity.roles.remove(caller, name)


def _secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value()


def _shown(user: User) -> dict[str, Any]:
    return {
        "name": user.name,
        "tenant": user.tenant,
        "roles": sorted(user.roles),
        "created_at": user.created_at,
        "disabled_at": user.disabled_at,
        "password_changed_at": user.password_changed_at,
        "must_change_password": user.must_change_password,
        "external": user.external,
    }
