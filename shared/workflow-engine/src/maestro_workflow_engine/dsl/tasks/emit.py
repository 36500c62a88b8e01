"""`emit`: events to others. Not supported yet."""

from __future__ import annotations

from collections.abc import Mapping

from maestro_workflow_engine.dsl._model import Body, Parser
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._unsupported import refuse

FIELDS = ("emit",)
REQUIRED = ("emit",)


def parse(fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> Body:
    """Refuse the task."""
    return refuse(fields["emit"], "'emit' tasks")
