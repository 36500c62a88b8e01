"""HTTP in and out of identities."""

from ._auth import router as auth_router
from ._keys import router as keys_router
from ._oidc import router as oidc_router
from ._users import router as users_router

ROUTERS = (auth_router, oidc_router, users_router, keys_router)
"""All routers of identities."""

__all__ = ["ROUTERS"]
