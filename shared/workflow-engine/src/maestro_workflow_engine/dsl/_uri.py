"""URI templates, as far as the specification takes them: simple string expansion (RFC 6570, section 3.2.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from maestro_workflow_engine.dsl._node import Node

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_OPERATORS = frozenset("+#./;?&=,!@|")


class UriError(ValueError):
    """A URI cannot be made from the values at hand."""


@dataclass(frozen=True)
class UriTemplate:
    """A URI with `{name}` in it."""

    text: str

    def expand(self, data: Any) -> str:
        """Put values in the place of names.

        Args:
            data: The object whose top-level properties are meant, their names taken verbatim.

        Returns:
            The URI; a name that is not there, or null, leaves nothing.

        Raises:
            UriError: A value is an object or a list.
        """
        properties = data if isinstance(data, dict) else {}
        return _VARIABLE.sub(lambda match: quote(_scalar(match[1], properties.get(match[1])), safe=""), self.text)


def parse_uri_template(node: Node, text: str) -> UriTemplate:
    """Check a URI template.

    Args:
        node: Where it stands.
        text: The template.

    Returns:
        The template.
    """
    if isinstance(node.value, str):
        if not text or re.search(r"\s", _VARIABLE.sub("", text)):
            node.fault(f"{text!r} is no URI")
        for name in _VARIABLE.findall(text):
            if not name:
                node.fault("'{}' names no property")
            elif name[0] in _OPERATORS:
                node.fault(f"'{{{name}}}' is more than the simple expansion that URI templates have here")
        if "{" in _VARIABLE.sub("", text) or "}" in _VARIABLE.sub("", text):
            node.fault(f"the braces in {text!r} do not match")
    return UriTemplate(text)


def with_query(uri: str, query: Mapping[str, Any]) -> str:
    """Add query parameters to a URI.

    Args:
        uri: The URI, which may have a query already.
        query: Names and values; a list gives a parameter for each item, null gives none.

    Returns:
        The URI.

    Raises:
        UriError: A value is an object, or a list of more than plain values.
    """
    pairs = [
        (name, _scalar(name, item))
        for name, value in query.items()
        for item in (value if isinstance(value, list) else [value])
        if item is not None
    ]
    if not pairs:
        return uri
    base, mark, fragment = uri.partition("#")
    joint = "&" if "?" in base else "?"
    return f"{base}{joint}{urlencode(pairs, quote_via=quote)}{mark}{fragment}"


def _scalar(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise UriError(f"{name!r} must be text, a number, true, false or null to stand in a URI, not {value!r}")
