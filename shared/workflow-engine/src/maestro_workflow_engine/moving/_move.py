"""What is to be moved, from where to where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine._payload_codec import PayloadCodec
from maestro_workflow_engine._payload_options import DEFAULT_LIMIT_BYTES, DEFAULT_MAX_BYTES, PayloadOptions
from maestro_workflow_engine._payload_store import PayloadStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A move, as `plan_move` and `carry_out` take it."""

    source: str
    """The journal: `sqlite:///runs.db`. No engine may have it open."""

    target: str
    """The engine that takes over: `temporal://host:port/namespace?task_queue=name`, or another journal."""

    workflows: Sequence[WorkflowDefinition[..., Any]]
    """The workflows as the workers of the target have them, every version that runs need."""

    only: frozenset[str] = frozenset()
    """Names of workflows: only their runs, with their children, and their schedules move. Default: all do."""

    without_limits: frozenset[str] = frozenset()
    """Queues whose limits may be given up: what waits in them moves to a cluster, and begins at once. Default: none."""

    codec: PayloadCodec | None = None
    """What both engines encode payloads with. Default: nothing does."""

    payload_store: PayloadStore | str | None = None
    """Where both engines keep large payloads. Default: nowhere."""

    payload_limit_bytes: int = DEFAULT_LIMIT_BYTES
    """The largest payload, encoded, that both keep themselves when there is a store. Default: 256 KiB."""

    max_payload_bytes: int = DEFAULT_MAX_BYTES
    """The largest payload that both take without a store. Default: 4 MiB."""

    @property
    def payloads(self) -> PayloadOptions:
        """How payloads are kept."""
        store = PayloadStore(self.payload_store) if isinstance(self.payload_store, str) else self.payload_store
        return PayloadOptions(self.codec, store, self.payload_limit_bytes, self.max_payload_bytes)

    def concerns(self, workflow: str) -> bool:
        """Tell whether runs of a workflow are to be moved."""
        return not self.only or workflow in self.only
