"""What a service says about itself in the catalog: who owns it, what it is for, whom it calls."""

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class Dependency(BaseModel):
    """Another service that a service calls."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    service: str = Field(min_length=1, pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Its name."""
    optional: bool = False
    """Whether the service does its work without it, too."""
    reason: str = Field(default="", max_length=500)
    """What it is called for."""


class DocsLink(BaseModel):
    """A page about a service."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    title: str = Field(min_length=1, max_length=200)
    """What it is called."""
    url: str = Field(min_length=1, max_length=2_000, pattern=r"^https?://")
    """Where it is, http or https."""


class CatalogEntry(BaseModel):
    """What a service says about itself, sent along with its registration.

    Example:
        APIConfig(
            title="Orders",
            service_name="orders",
            catalog=CatalogEntry(
                owner="team-shop",
                docs=(DocsLink(title="Runbook", url="https://docs.example/orders"),),
                dependencies=(Dependency(service="billing", reason="charges"),),
            ),
        )
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    owner: str = Field(default="", max_length=200)
    """Team or person who answers for the service."""
    description: str | None = Field(default=None, max_length=5_000)
    """What the service is for; None takes the API's description."""
    docs: tuple[DocsLink, ...] = ()
    """Pages about the service."""
    dependencies: tuple[Dependency, ...] = ()
    """The services that it calls; the registry compares them with those that its traces show."""


def catalog_document(
    entry: CatalogEntry,
    *,
    version: str,
    description: str,
    openapi: Callable[[], dict[str, Any]] | None,
    asyncapi: Callable[[], dict[str, Any]] | None,
) -> dict[str, JsonValue]:
    """Write what the registry's catalog is told.

    Args:
        entry: What the service says.
        version: Its version.
        description: What the API says about itself.
        openapi: Gives the OpenAPI document; None for none.
        asyncapi: Gives the AsyncAPI document; None for none.

    Returns:
        The body of `PUT /catalog/{name}`.
    """
    return {
        "version": version,
        "owner": entry.owner,
        "description": entry.description if entry.description is not None else description,
        "docs": [link.model_dump() for link in entry.docs],
        "dependencies": [dependency.model_dump() for dependency in entry.dependencies],
        "openapi": None if openapi is None else openapi(),
        "asyncapi": None if asyncapi is None else asyncapi(),
    }
