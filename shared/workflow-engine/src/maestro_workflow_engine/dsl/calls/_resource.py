"""Fetching text that is kept elsewhere: the definition of a function, a schema, the source of a script."""

from __future__ import annotations

from typing import Any

from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._catalogs import raw_address
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._resources import fetch


async def perform(arguments: dict[str, Any], context: CallContext) -> Any:
    """Return the text at an endpoint; see `Perform`."""
    endpoint = arguments["endpoint"]
    if not isinstance(endpoint["uri"], str):
        raise CallFault("expression", f"a resource's address must be text, not {endpoint['uri']!r}")
    if "path" in arguments:  # of a function
        endpoint = {**endpoint, "uri": raw_address(endpoint["uri"], arguments["path"])}
    content = await fetch(endpoint, context)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CallFault("communication", f"{endpoint['uri']} is no UTF-8 text") from None
