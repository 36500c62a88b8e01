"""Every kind of load. A new one: a module beside the others, and its `KIND` in this list."""

from __future__ import annotations

from fault_load.kind import Kind
from fault_load.kinds import (
    branching,
    cancelling,
    continuing,
    holding,
    mixed,
    patching,
    pausing,
    scheduling,
    signalling,
    terminating,
    updating,
)

KINDS: tuple[Kind, ...] = (
    mixed.KIND,
    signalling.KIND,
    updating.KIND,
    continuing.KIND,
    cancelling.KIND,
    terminating.KIND,
    scheduling.KIND,
    patching.KIND,
    branching.KIND,
    pausing.KIND,
    holding.KIND,
)
