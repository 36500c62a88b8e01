"""`call: openapi`: an operation of a document, its parameters given by name."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any
from uuid import uuid4

from maestro_workflow_engine.dsl._http import HttpRequest
from maestro_workflow_engine.dsl.calls._authorization import credentials
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._content import encode_body, is_json
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._http import answered, text
from maestro_workflow_engine.dsl.calls._openapi_document import (
    Operation,
    find_operation,
    is_swagger,
    open_document,
    server_of,
)
from maestro_workflow_engine.dsl.calls._openapi_parameters import Written, write
from maestro_workflow_engine.dsl.calls._references import Document

_FORM, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


async def perform(arguments: dict[str, Any], context: CallContext) -> Any:
    """Send the operation's request; see `Perform`."""
    document = await open_document(arguments["document"], context)
    operation = await find_operation(document, text(arguments["operationId"]))
    written = Written()
    left = dict(arguments.get("parameters") or {})
    in_body: dict[str, Any] = {}
    for parameter in operation.parameters:
        name, place = str(parameter.get("name")), parameter.get("in")
        if place in {"body", "formData"}:
            in_body[name] = parameter
            continue
        value = left.pop(name, None)
        if value is None and parameter.get("required"):
            raise CallFault(
                "validation", f"the operation {arguments['operationId']!r} needs the parameter {name!r} ({place})"
            )
        write(parameter, value, written)
    kind, body = (
        _swagger_body(document, operation, in_body, left)
        if is_swagger(document)
        else await _body(document, operation, left, arguments["operationId"])
    )
    url = server_of(document, operation) + _path(operation.path, written)
    if written.query:
        url += ("&" if "?" in url else "?") + "&".join(written.query)
    headers = {"accept": _accepted(document, operation), **written.headers}
    if written.cookies:
        headers["cookie"] = "; ".join(written.cookies)
    shown = await credentials(arguments.get("authentication"), context)
    if kind == _MULTIPART:
        headers, content = _multipart(headers, body)
    else:
        headers, content = encode_body({**headers, "content-type": kind} if kind else headers, body)
    request = HttpRequest(operation.method, url, headers, content, bool(arguments.get("redirect")))
    return await answered(request, shown, arguments, context)


def _path(path: str, written: Written) -> str:
    for name, value in written.path.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def _swagger_body(
    document: Document, operation: Operation, in_body: Mapping[str, Any], left: dict[str, Any]
) -> tuple[str | None, Any]:
    """Take body parameters (2.0), which have names, out of what is left."""
    consumes = operation.definition.get("consumes") or document.root.get("consumes") or []
    whole = next((parameter for parameter in in_body.values() if parameter["in"] == "body"), None)
    given = {name: left.pop(name) for name in list(in_body) if name in left}
    _nothing_left(operation, left, [str(each.get("name")) for each in operation.parameters])
    missing = [name for name, each in in_body.items() if each.get("required") and given.get(name) is None]
    if missing:
        raise CallFault(
            "validation", f"the operation {operation.definition.get('operationId')!r} needs {', '.join(missing)}"
        )
    if not given:
        return None, None
    if whole is not None:
        return _preferred(consumes) or "application/json", next(iter(given.values()))
    has_file = any(each.get("type") == "file" for each in in_body.values())
    return (_MULTIPART if has_file or (_MULTIPART in consumes and _FORM not in consumes) else _FORM), given


async def _body(
    document: Document, operation: Operation, left: dict[str, Any], operation_id: Any
) -> tuple[str | None, Any]:
    """Make a body (3.x) of the parameters that are left: they are its properties, or `body` is the whole of it."""
    definition, base = await document.follow(operation.definition.get("requestBody"), operation.base)
    names = [str(each.get("name")) for each in operation.parameters]
    if not isinstance(definition, Mapping):
        _nothing_left(operation, left, names)
        return None, None
    if not left:
        if definition.get("required"):
            raise CallFault("validation", f"the operation {operation_id!r} needs a body")
        return None, None
    contents: Mapping[str, Any] = definition.get("content") or {}
    kind = _preferred(list(contents)) or "application/json"
    schema, _ = await document.follow((contents.get(kind) or {}).get("schema") or {}, base)
    properties = schema.get("properties") or {} if isinstance(schema, Mapping) else {}
    if set(left) == {"body"} and "body" not in properties:
        return kind, left["body"]
    return kind, left


def _nothing_left(operation: Operation, left: Mapping[str, Any], known: list[str]) -> None:
    for name in left:
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(known) or 'none'}"
        name_of = operation.definition.get("operationId")
        raise CallFault("validation", f"the operation {name_of!r} has no parameter {name!r}; {hint}")


def _preferred(kinds: list[str]) -> str | None:
    """Return the media type to send: JSON where it may be, or else the first."""
    return next(
        (kind for kind in kinds if is_json(kind.partition(";")[0].strip().lower())), kinds[0] if kinds else None
    )


def _accepted(document: Document, operation: Operation) -> str:
    if is_swagger(document):
        return ", ".join(operation.definition.get("produces") or document.root.get("produces") or ["application/json"])
    responses = operation.definition.get("responses") or {}
    kinds = [kind for each in responses.values() if isinstance(each, Mapping) for kind in each.get("content") or {}]
    return ", ".join(dict.fromkeys(kinds)) or "application/json"


def _multipart(headers: Mapping[str, str], fields: Any) -> tuple[dict[str, str], bytes]:
    """Write a form with parts. Text and plain values are fields; objects and lists are parts of JSON."""
    boundary = uuid4().hex
    lines: list[bytes] = []
    for name, value in (fields if isinstance(fields, Mapping) else {"body": fields}).items():
        for item in value if isinstance(value, list) else [value]:
            added, content = encode_body({}, item) if isinstance(item, Mapping) else ({}, text(item).encode())
            escaped = str(name).replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
            lines += [f"--{boundary}".encode(), f'content-disposition: form-data; name="{escaped}"'.encode()]
            lines += [f"{key}: {told}".encode() for key, told in added.items()]
            lines += [b"", content]
    lines += [f"--{boundary}--".encode(), b""]
    return {**headers, "content-type": f"{_MULTIPART}; boundary={boundary}"}, b"\r\n".join(lines)
