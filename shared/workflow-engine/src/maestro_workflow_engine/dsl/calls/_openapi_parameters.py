"""How OpenAPI writes parameters: style and explode (3.x), collectionFormat (2.0)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from maestro_workflow_engine.dsl.calls._http import text

_STYLES = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}
_RESERVED = ":/?#[]@!$&'()*+,;="
_SEPARATORS = {"csv": ",", "ssv": " ", "tsv": "\t", "pipes": "|", "multi": ","}


@dataclass
class Written:
    """A request's parameters, as they are sent."""

    path: dict[str, str] = field(default_factory=dict)
    query: list[str] = field(default_factory=list)
    """Pieces to be joined by "&", encoded."""
    headers: dict[str, str] = field(default_factory=dict)
    cookies: list[str] = field(default_factory=list)


def write(parameter: Mapping[str, Any], value: Any, written: Written) -> None:
    """Write one parameter.

    Args:
        parameter: The Parameter Object.
        value: Its value; null sends none.
        written: Where it goes.
    """
    name, place = str(parameter.get("name")), parameter.get("in")
    if value is None:
        return
    if place == "querystring":
        written.query.append(_form(value) if isinstance(value, Mapping) else text(value))
    elif parameter.get("content"):
        _put(place, name, quote(json.dumps(value, separators=(",", ":")), safe=""), json.dumps(value), written)
    elif "collectionFormat" in parameter or "type" in parameter:
        _write_swagger(parameter, place, name, value, written)
    else:
        _write_styled(parameter, place, name, value, written)


def _write_swagger(parameter: Mapping[str, Any], place: Any, name: str, value: Any, written: Written) -> None:
    items = [text(item) for item in value] if isinstance(value, list) else [text(value)]
    how = parameter.get("collectionFormat", "csv")
    if how == "multi" and place == "query":
        written.query.extend(f"{quote(name, safe='')}={quote(item, safe='')}" for item in items)
        return
    joined = _SEPARATORS[how].join(items)
    encoded = quote(_SEPARATORS[how], safe=",|").join(quote(item, safe="") for item in items)
    _put(place, name, encoded, joined, written)


def _write_styled(parameter: Mapping[str, Any], place: Any, name: str, value: Any, written: Written) -> None:
    style = parameter.get("style") or _STYLES.get(str(place), "form")
    explode = parameter.get("explode", style in {"form", "cookie"})
    safe = _RESERVED if parameter.get("allowReserved") else ""

    def coded(item: Any) -> str:
        return text(item) if place == "header" else quote(_plain(item), safe=safe)

    if style == "deepObject" and isinstance(value, Mapping):
        written.query.extend(
            f"{quote(f'{name}[{key}]', safe='[]')}={coded(each)}"
            for key, item in value.items()
            for each in (item if isinstance(item, list) else [item])
        )
        return
    if place in {"query", "cookie"} and explode and isinstance(value, list | Mapping):
        named = [(name, item) for item in value] if isinstance(value, list) else list(value.items())
        pieces = [f"{quote(str(key), safe='')}={coded(item)}" for key, item in named if item is not None]
        (written.query if place == "query" else written.cookies).extend(pieces)
        return
    separator = {"spaceDelimited": "%20", "pipeDelimited": "|"}.get(style, ",")
    if isinstance(value, Mapping):
        joint = "=" if explode else ","
        pieces = [f"{key}{joint}{coded(item)}" for key, item in value.items() if item is not None]
    else:
        pieces = [coded(item) for item in value] if isinstance(value, list) else [coded(value)]
    joined = separator.join(pieces)
    if style == "label":
        joined = "." + (".".join(pieces) if explode else joined)
    elif style == "matrix":
        joined = _matrix(name, pieces, value, joined, explode=explode)
    _put(place, name, joined, joined, written)


def _matrix(name: str, pieces: list[str], value: Any, joined: str, *, explode: bool) -> str:
    if explode and isinstance(value, Mapping):
        return "".join(f";{piece}" for piece in pieces)
    if explode and isinstance(value, list):
        return "".join(f";{name}={piece}" for piece in pieces)
    return f";{name}={joined}"


def _put(place: Any, name: str, encoded: str, plain: str, written: Written) -> None:
    if place == "path":
        written.path[name] = encoded
    elif place == "query":
        written.query.append(f"{quote(name, safe='')}={encoded}")
    elif place == "header":
        written.headers[name] = plain
    elif place == "cookie":
        written.cookies.append(f"{name}={encoded}")


def _form(value: Mapping[str, Any]) -> str:
    return "&".join(f"{quote(str(key), safe='')}={quote(_plain(item), safe='')}" for key, item in value.items())


def _plain(value: Any) -> str:
    return json.dumps(value, separators=(",", ":")) if isinstance(value, list | Mapping) else text(value)
