"""Payloads on their way to the cluster: encoded by the engine's codec, and kept in the payload store when they are large."""

from __future__ import annotations

from collections.abc import Sequence

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec as TemporalCodec

from maestro_workflow_engine._errors import PayloadError
from maestro_workflow_engine._payload_errors import PayloadIntegrityError, PayloadKeyError, PayloadMissingError
from maestro_workflow_engine._payload_options import PayloadOptions
from maestro_workflow_engine._payload_store import digest

_ENCODED, _STORED = b"binary/maestro-encoded", b"binary/maestro-stored"
_KEY = "maestro-key"
_CONTEXT = b'["temporal"]'  # the cluster moves payloads from event to event, so none is bound to its place


class EngineCodec(TemporalCodec):
    """Does with every payload what the embedded runner does with those in its journal.

    Args:
        options: Codec, store and limits.
    """

    def __init__(self, options: PayloadOptions) -> None:
        self._codec = options.codec
        self._store = options.store
        self._limit = options.limit_bytes
        self._most = options.max_bytes

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encode payloads, and store the large ones.

        Raises:
            PayloadError: One is too large, and there is no store.
            PayloadStoreError: The store cannot be reached.
        """
        return [await self._encoded(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Fetch and decode payloads.

        Raises:
            PayloadUnreadableError: One cannot be read back.
            PayloadStoreError: The store cannot be reached.
        """
        return [await self._decoded(payload) for payload in payloads]

    async def _encoded(self, payload: Payload) -> Payload:
        if self._store is None and len(payload.data) > self._most:
            raise PayloadError(
                f"a payload of {len(payload.data):,} bytes is too large: give the engine a payload_store, "
                f"or raise its max_payload_bytes ({self._most:,})"
            )
        if self._codec is not None:
            data = self._codec.encode(payload.SerializeToString(), _CONTEXT)
            payload = Payload(metadata={"encoding": _ENCODED, _KEY: self._codec.key_id.encode()}, data=data)
        if self._store is not None and payload.ByteSize() > self._limit:
            kept = payload.SerializeToString()
            name = digest(kept)
            await self._store.put(name, kept)
            payload = Payload(metadata={"encoding": _STORED}, data=name.encode())
        return payload

    async def _decoded(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") == _STORED:
            name = payload.data.decode("ascii", "replace")
            if self._store is None:
                raise PayloadMissingError(name, "", None)
            kept = await self._store.get(name)
            if kept is None:
                raise PayloadMissingError(name, "", self._store.url)
            if digest(kept) != name:
                raise PayloadIntegrityError(f"the stored payload {name} was altered", "", "")
            payload = Payload.FromString(kept)
        if payload.metadata.get("encoding") == _ENCODED:
            key_id = payload.metadata.get(_KEY, b"").decode("utf-8", "replace")
            if self._codec is None:
                raise PayloadKeyError(key_id)
            payload = Payload.FromString(self._codec.decode(payload.data, _CONTEXT, key_id))
        return payload
