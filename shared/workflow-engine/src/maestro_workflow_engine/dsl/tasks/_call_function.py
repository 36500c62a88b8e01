"""`call` of a function: one that the document defines, one at an address, or one in a catalog."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine.dsl._faults import DocumentError, suggest
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._functions import read_function
from maestro_workflow_engine.dsl._model import Outcome, Parser, Task
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._template import Template
from maestro_workflow_engine.dsl.tasks._call_protocol import perform

_CATALOGED = re.compile(r"(?P<name>[^:@\s/]+):(?P<version>[^@\s/]+)@(?P<catalog>[^@\s/]+)")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


@dataclass(frozen=True)
class CallFunction:
    """A function of the document."""

    name: str
    arguments: Template | None
    """Its input; None for the calling task's own."""

    async def run(self, frame: Frame) -> Outcome:
        """Run the function; its output is this task's."""
        return await _run(frame, frame.shared.functions[self.name], self.arguments)


@dataclass(frozen=True)
class CallElsewhere:
    """A function that is kept elsewhere. It is fetched in a step, so that a run always sees the text it saw first."""

    name: str
    endpoint: Any
    """Where it is; None for the default catalog, whose root the resolver knows."""
    path: str
    """What follows the endpoint's URI; empty for a function at an address of its own."""
    arguments: Template | None

    async def run(self, frame: Frame) -> Outcome:
        """Fetch the function and run it; its output is this task's."""
        endpoint = self.endpoint
        if endpoint is None:
            root = frame.shared.resolver.catalog
            if root is None:
                raise frame.error("configuration", f"{self.name!r} needs a default catalog, and there is none here")
            endpoint = {"uri": root}
        return await _run(frame, await self._fetched(frame, endpoint), self.arguments)

    async def _fetched(self, frame: Frame, endpoint: Any) -> Task:
        text = await perform(frame, "resource", Template({"endpoint": endpoint, "path": self.path}))
        shared = frame.shared
        if text not in shared.fetched:
            try:
                shared.fetched[text] = read_function(self.name, text, shared.use)
            except DocumentError as error:
                raise frame.error("configuration", f"the function {self.name!r} is not right: {error}") from error
        return shared.fetched[text]


async def _run(frame: Frame, function: Task, arguments: Template | None) -> Outcome:
    data = frame.input if arguments is None else await frame.filled(arguments, frame.input)
    try:
        return Outcome(await frame.run_function(function, data))
    except RecursionError:
        raise frame.error("runtime", f"the function {function.name!r} calls itself without end") from None


def parse_elsewhere(node: Node, arguments: Template | None, parser: Parser) -> CallElsewhere | None:
    """Read the call of a function that is kept elsewhere.

    Args:
        node: The `call` field.
        arguments: What is under `with`.
        parser: Knows the catalogs.

    Returns:
        The call; None when the name means something else.
    """
    name = node.text()
    if _ADDRESS.fullmatch(name):
        return CallElsewhere(name, {"uri": name}, "", arguments)
    match = _CATALOGED.fullmatch(name)
    if match is None:
        return None
    catalog, catalogs = match["catalog"], parser.use.catalogs
    if catalog != "default" and catalog not in catalogs:
        node.fault(f"no catalog named {catalog!r} under /use/catalogs", suggest(catalog, [*catalogs, "default"]))
    path = f"functions/{match['name']}/{match['version']}/function.yaml"
    endpoint = catalogs.get(catalog)
    return CallElsewhere(name, endpoint, path, arguments)
