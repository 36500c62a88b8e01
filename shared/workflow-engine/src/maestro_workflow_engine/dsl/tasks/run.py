"""`run`: a container, a script, a shell command, or another workflow."""

from __future__ import annotations

from collections.abc import Mapping

from maestro_workflow_engine.dsl._model import Body, Parser
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._unsupported import Unsupported
from maestro_workflow_engine.dsl.tasks._run_process import parse_process
from maestro_workflow_engine.dsl.tasks._run_workflow import parse_workflow

FIELDS = ("run",)
REQUIRED = ("run",)

_KINDS = ("container", "script", "shell", "workflow")
_RETURNS = ("stdout", "stderr", "code", "all", "none")


def parse(fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> Body:
    """Read the task."""
    node = fields["run"]
    content = node.fields((*_KINDS, "await", "return"), what="'run'")
    kinds = [kind for kind in _KINDS if kind in content]
    awaited = content["await"].boolean() if "await" in content else True
    returned = content["return"].choice(_RETURNS) if "return" in content else "stdout"
    if len(kinds) != 1:
        found = f"; it has {' and '.join(kinds)}" if kinds else ""
        if isinstance(node.value, dict):
            node.fault(f"must hold exactly one of {', '.join(_KINDS)}{found}")
        return Unsupported()
    [kind] = kinds
    if kind == "workflow":
        if returned not in {"stdout", "none", ""}:
            content["return"].fault(f"a workflow has no {returned!r}; leave 'return' out for its output, or say none")
        return parse_workflow(content[kind], scope, awaited=awaited, returned=returned)
    return parse_process(kind, content[kind], parser, scope, awaited=awaited, returned=returned)
