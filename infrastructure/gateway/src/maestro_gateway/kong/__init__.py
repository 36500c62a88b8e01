"""The routes as a declarative file for Kong 3."""

from ._render import Document, kong_document, unequal_limits, unknown_issuers
from ._schema import KongDocument

__all__ = ["Document", "KongDocument", "kong_document", "unequal_limits", "unknown_issuers"]
