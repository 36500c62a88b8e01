"""How large a payload may be that goes to the cluster."""

from __future__ import annotations

import msgspec

from maestro_workflow_engine._errors import PayloadError
from maestro_workflow_engine._payload_options import PayloadOptions


class Sizes:
    """Refuses what is too large where it is given: the caller, or the step, is told, and nothing is sent.

    Args:
        options: Limits, and whether there is a store.
    """

    def __init__(self, options: PayloadOptions) -> None:
        self._most = None if options.store else options.max_bytes

    def check(self, name: str, payload: msgspec.Raw) -> None:
        """Refuse a payload.

        Args:
            name: What it is, such as "input".
            payload: Its JSON text.

        Raises:
            PayloadError: It is too large and there is no store.
        """
        size = len(bytes(payload))
        if self._most is not None and size > self._most:
            raise PayloadError(
                f"the {name} of {size:,} bytes is too large for the cluster, which is given up to {self._most:,} bytes: "
                "give the engine a payload_store, or raise its max_payload_bytes"
            )
