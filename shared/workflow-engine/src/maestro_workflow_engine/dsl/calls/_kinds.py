"""The kinds of calls, by name; those that need a library of their own are imported when they are first used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from maestro_workflow_engine.dsl.calls import _a2a, _http, _mcp, _openapi, _resource
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext, Perform


class _Extra:
    """A kind of call whose libraries come with an extra of the package."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    async def __call__(self, arguments: dict[str, Any], context: CallContext) -> Any:
        try:
            module = import_module(f"maestro_workflow_engine.dsl.calls._{self._kind}")
        except ImportError as error:
            raise missing_extra(self._kind, error) from error
        return await module.perform(arguments, context)


def missing_extra(extra: str, error: ImportError) -> CallFault:
    """Make the error of a call whose libraries are not installed."""
    return CallFault(
        "configuration",
        f"'call: {extra}' needs {error.name}, which is not installed: pip install 'maestro-workflow-engine[{extra}]'",
    )


KINDS: Mapping[str, Perform] = {
    "a2a": _a2a.perform,
    "asyncapi": _Extra("asyncapi"),
    "grpc": _Extra("grpc"),
    "http": _http.perform,
    "mcp": _mcp.perform,
    "openapi": _openapi.perform,
    "resource": _resource.perform,
}
