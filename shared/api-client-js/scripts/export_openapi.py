"""Write the OpenAPI documents that the client is generated from: `python shared/api-client-js/scripts/export_openapi.py`.

With `--check` nothing is written, and the exit status is 1 when a file is not what would be written. The services are those of the
entry points `maestro.services`. No server is started: each application is asked for its document, in one process without the
settings of whoever calls.

The files hold what the client's types need and no more: calls with their parameters, bodies and good answers, and the schemas
that these use. Errors are the same for all calls, and known to the client.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from maestro_core_config import inherited_environment

OPENAPI = Path(__file__).parents[1] / "openapi"
_DUMP = "--dump"
_METHODS = ("get", "head", "post", "put", "patch", "delete")
_LEFT_OUT = ("title", "examples", "example", "discriminator")
"""Keywords of schemas that no type shows."""
_REF = "#/components/schemas/"
# The client sets these itself, or, in the case of cookies, the browser does.
_OWN_HEADERS = frozenset({"accept", "authorization", "idempotency-key", "last-event-id"})
_SECTION = re.compile(r"\n\s*(?:Args|Returns|Raises|Yields):\n")
"""Where a docstring begins to speak to those who call it in Python."""
_SYSTEM = re.compile(r"/(metrics|health/.*)")
"""Paths for machines; that they answer is the platform's own business."""


def main(folder: Path = OPENAPI, *options: str) -> int:
    """Write the documents, or check them with the option `--check`.

    Returns:
        The exit status.
    """
    wanted = {f"{name}.json": written(document) for name, document in _asked().items()}
    folder.mkdir(exist_ok=True)
    there = {path.name: path.read_text("utf-8") for path in folder.glob("*.json")}
    different = sorted(name for name in {*wanted, *there} if wanted.get(name) != there.get(name))
    if "--check" in options:
        for name in different:
            sys.stderr.write(f"{folder / name} is not what the services say; run `make api-client`\n")
        return 1 if different else 0
    for name in different:
        if name in wanted:
            (folder / name).write_text(wanted[name], "utf-8")
        else:
            (folder / name).unlink()
    return 0


def _asked() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as elsewhere:
        dump = Path(elsewhere) / "documents.json"
        command = [sys.executable, str(Path(__file__).resolve()), _DUMP, str(dump)]
        subprocess.run(command, check=True, cwd=elsewhere, env=inherited_environment(), stdout=subprocess.DEVNULL)
        documents: dict[str, Any] = json.loads(dump.read_text("utf-8"))
    return documents


def written(document: dict[str, Any]) -> str:
    """Write a document as the repository has it."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def reduced(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document with what types are made from.

    Args:
        document: A service's OpenAPI document.

    Returns:
        A valid one with `openapi`, `info`, `paths` and `components.schemas` alone.
    """
    paths = {
        path: {method: _call(item[method]) for method in _METHODS if method in item}
        for path, item in document["paths"].items()
        if not _SYSTEM.fullmatch(path)
    }
    schemas: dict[str, Any] = {}
    wanted = set(_references(paths))
    while missing := wanted - schemas.keys():
        for name in missing:
            schemas[name] = _schema(document["components"]["schemas"][name])
            wanted |= set(_references(schemas[name]))
    info = {"title": document["info"]["title"], "version": document["info"]["version"]}
    return {"openapi": document["openapi"], "info": info, "paths": paths, "components": {"schemas": schemas}}


def _call(operation: dict[str, Any]) -> dict[str, Any]:
    parameters = [
        {
            **{key: parameter[key] for key in ("name", "in", "required") if key in parameter},
            **_described(parameter),
            "schema": _schema({key: value for key, value in parameter["schema"].items() if key != "description"}),
        }
        for parameter in operation.get("parameters", [])
        if parameter["in"] != "cookie" and parameter["name"].lower() not in _OWN_HEADERS
    ]
    body = operation.get("requestBody")
    call: dict[str, Any] = {**_described(operation), "responses": dict(_answers(operation))}
    if parameters:
        call["parameters"] = parameters
    if body is not None:
        call["requestBody"] = {"required": body.get("required", False), "content": _content(body)}
    return call


def _answers(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            yield status, {"description": "", **({"content": _content(answer)} if "content" in answer else {})}


def _content(holder: dict[str, Any]) -> dict[str, Any]:
    return {kind: {"schema": _schema(media.get("schema", {}))} for kind, media in holder["content"].items()}


def _described(holder: dict[str, Any]) -> dict[str, str]:
    text = _SECTION.split(holder.get("description", ""), maxsplit=1)[0].rstrip()
    return {"description": text} if text else {}


def _schema(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_schema(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    reduced = {name: _schema(value) for name, value in schema.items() if name not in _LEFT_OUT}
    if isinstance(schema.get("properties"), dict):
        reduced["properties"] = {name: _schema(value) for name, value in schema["properties"].items()}
    return reduced


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(reference := value.get("$ref"), str):
            yield reference.removeprefix(_REF)
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def _dump(to: Path) -> None:
    services = sorted(entry_points(group="maestro.services"), key=lambda point: point.name)
    documents = {point.name: reduced(import_module(f"{point.value}.main").app.openapi()) for point in services}
    to.write_text(json.dumps(documents), "utf-8")


if __name__ == "__main__":
    if sys.argv[1:2] == [_DUMP]:
        _dump(Path(sys.argv[2]))
    else:
        sys.exit(main(OPENAPI, *sys.argv[1:]))
