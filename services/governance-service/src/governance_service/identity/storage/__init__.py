"""Identities in the database: each function works in the unit of work of its caller."""

from ._failures import Attempts, forget_old_attempts
from ._sessions import (
    forget_old_sessions,
    locked_session,
    open_sessions,
    refresh_token,
    session_of_access_token,
)
from ._users import (
    as_user,
    holders_of,
    new_user_row,
    require_other_admin,
    roles_by_name,
    scopes_of,
    user_row,
    users_after,
)

__all__ = [
    "Attempts",
    "as_user",
    "forget_old_attempts",
    "forget_old_sessions",
    "holders_of",
    "locked_session",
    "new_user_row",
    "open_sessions",
    "refresh_token",
    "require_other_admin",
    "roles_by_name",
    "scopes_of",
    "session_of_access_token",
    "user_row",
    "users_after",
]
