"""Signing in with outside providers (OpenID Connect)."""

from ._claims import OutsideIdentity, identity_of, roles_of
from ._logins import Begun, OutsideLogins
from ._provider import OidcProvider

__all__ = ["Begun", "OidcProvider", "OutsideIdentity", "OutsideLogins", "identity_of", "roles_of"]
