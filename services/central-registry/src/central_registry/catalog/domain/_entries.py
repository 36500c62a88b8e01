"""What a service says about itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class DocumentKind(StrEnum):
    """Which of a service's documents is meant."""

    OPENAPI = "openapi"
    """Its HTTP interface (OpenAPI)."""
    ASYNCAPI = "asyncapi"
    """Its events (AsyncAPI)."""


@dataclass(frozen=True, slots=True)
class Link:
    """A page about a service."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Dependency:
    """Another service that a service says it calls."""

    service: str
    """Its name."""
    optional: bool = False
    """Whether the service does its work without it, too."""
    reason: str = ""
    """What it is called for."""


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """What is known of a document without reading it."""

    digest: str
    """SHA-256 of its canonical JSON, as hexadecimal digits."""
    size_bytes: int
    """Length of its canonical JSON."""
    title: str
    """`info.title`; empty when it has none."""
    version: str
    """`info.version`; empty when it has none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a service says about itself, its documents by what is known of them."""

    service: str
    """Name of the service."""
    version: str
    """Version of the service that says it."""
    owner: str = ""
    """Who answers for it."""
    description: str = ""
    """What it is for."""
    docs: tuple[Link, ...] = ()
    """Pages about it."""
    dependencies: tuple[Dependency, ...] = ()
    """Whom it calls."""
    documents: Mapping[DocumentKind, DocumentInfo] | None = None
    """Its documents."""


@dataclass(frozen=True, slots=True)
class Revision:
    """An entry as it was from some moment on."""

    number: int
    """From 1 on, for each service."""
    recorded_at: datetime
    """When it came."""
    entry: Entry
    """What the service said."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a service wants to be known: an entry with its documents whole."""

    version: str
    owner: str = ""
    description: str = ""
    docs: tuple[Link, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    openapi: Mapping[str, Any] | None = None
    asyncapi: Mapping[str, Any] | None = None
