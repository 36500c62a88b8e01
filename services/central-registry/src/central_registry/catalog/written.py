"""Entries as the file holds them."""

import json
from typing import Any

from central_registry.catalog.domain import Dependency, DocumentInfo, DocumentKind, Entry, Link


def entry_to_json(entry: Entry) -> str:
    """Write an entry.

    Args:
        entry: The entry.

    Returns:
        JSON.
    """
    written = {
        "service": entry.service,
        "version": entry.version,
        "owner": entry.owner,
        "description": entry.description,
        "docs": [[link.title, link.url] for link in entry.docs],
        "dependencies": [[each.service, each.optional, each.reason] for each in entry.dependencies],
        "documents": {
            kind.value: [info.digest, info.size_bytes, info.title, info.version]
            for kind, info in (entry.documents or {}).items()
        },
    }
    return json.dumps(written)


def entry_from_json(text: str) -> Entry:
    """Read an entry.

    Args:
        text: JSON.

    Returns:
        The entry.

    Raises:
        ValueError: It is no entry; also TypeError, KeyError and AttributeError.
    """
    written: dict[str, Any] = json.loads(text)
    return Entry(
        service=written["service"],
        version=written["version"],
        owner=written["owner"],
        description=written["description"],
        docs=tuple(Link(*link) for link in written["docs"]),
        dependencies=tuple(Dependency(*each) for each in written["dependencies"]),
        documents={DocumentKind(kind): DocumentInfo(*info) for kind, info in written["documents"].items()},
    )
