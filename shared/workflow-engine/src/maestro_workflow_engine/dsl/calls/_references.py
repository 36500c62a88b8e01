"""Documents whose parts refer to one another, and to other documents (`$ref`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._resources import fetch, parse

_DEPTH = 32


@dataclass
class Document:
    """A document and those it refers to."""

    uri: str
    root: Mapping[str, Any]
    policy: Mapping[str, Any] | None
    """The authentication that fetched it, used for what is beside it too."""
    context: CallContext
    others: dict[str, Any] = field(default_factory=dict)

    async def follow(self, value: Any, base: str | None = None) -> tuple[Any, str]:
        """Follow references (`$ref`) until there is none.

        Args:
            value: Any part of the document.
            base: The address of the document it stands in. Default: this one.

        Returns:
            What is meant, and the address of the document that it stands in.

        Raises:
            CallFault: A reference leads nowhere, or in a circle.
        """
        base = base or self.uri
        for _ in range(_DEPTH):
            reference = value.get("$ref") if isinstance(value, Mapping) else None
            if not isinstance(reference, str):
                return value, base
            target, fragment = urldefrag(urljoin(base, reference))
            found = _at(await self._document(target or base), fragment, reference)
            beside = {key: item for key, item in value.items() if key != "$ref"}
            value, base = ({**found, **beside} if beside and isinstance(found, Mapping) else found), target or base
        raise CallFault("communication", f"{base} has references that lead in a circle")

    async def _document(self, uri: str) -> Any:
        if uri == urldefrag(self.uri)[0]:
            return self.root
        if uri not in self.others:
            same_host = urlsplit(uri).netloc == urlsplit(self.uri).netloc
            endpoint = {"uri": uri, "authentication": self.policy if same_host else None}
            self.others[uri] = parse(await fetch(endpoint, self.context), uri)
        return self.others[uri]


def _at(root: Any, fragment: str, reference: str) -> Any:
    found = root
    for step in fragment.lstrip("/").split("/") if fragment.strip("/") else []:
        key = unquote(step).replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(key)] if isinstance(found, list) else found[key]
        except (KeyError, IndexError, TypeError, ValueError):
            raise CallFault("communication", f"the reference {reference!r} leads nowhere") from None
    return found
