"""Fetching text that is kept elsewhere: the definition of a function, a schema, the source of a script."""

from __future__ import annotations

from typing import Any

from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._resources import fetch


async def perform(arguments: dict[str, Any], context: CallContext) -> Any:
    """Return the text at an endpoint; see `Perform`."""
    content = await fetch(arguments["endpoint"], context)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CallFault("communication", f"{arguments['endpoint']['uri']} is no UTF-8 text") from None
