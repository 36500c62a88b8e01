"""What the journal holds in place of a payload: its encoded form, or a reference to the payload store.

An event is sealed field by field; it stays a JSON object, so that names, times and ids can be read without a key:

- `{"$maestro.enc": "<key id>", "data": "<base64>"}`: encoded by the codec;
- `{"$maestro.ref": {"sha256": …, "bytes": …, "enc": "<key id>"}}`: kept in the payload store, encoded if `enc` is there;
- `{"$maestro.esc": <payload>}`: a user's own value that would look like one of these.

The tags are recognised by their bytes, exactly as they are written here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import msgspec

from maestro_workflow_engine._errors import PayloadError
from maestro_workflow_engine._payload_codec import PayloadCodec
from maestro_workflow_engine._payload_errors import (
    PayloadIntegrityError,
    PayloadKeyError,
    PayloadMissingError,
)
from maestro_workflow_engine._payload_options import PayloadOptions
from maestro_workflow_engine._payload_store import digest
from maestro_workflow_engine.machine._events import Event, encode_event

# Names, times, ids, counts, and search attributes, which must be found. Every other field is a payload, those of events yet to come included.
CLEAR = frozenset({
    "admission", "attempt", "attributes", "change", "dropped_from", "first_seq", "moved_to", "name", "next_time", "priority", "run_id", "seed", "seq", "started",
    "step", "time", "trace",
    "type", "update_id", "workflow",
})  # fmt: skip
MARK = b'"$maestro.'  # without it there is no tag in an event
REFERENCE = b'{"$maestro.ref":'
TAG = b'{"$maestro.'  # what a sealed payload begins with
_ENC = b'{"$maestro.enc":'
_ESC = b'{"$maestro.esc":'
_NO_EVENT = -1  # in place of an event's position; those count from 0


class _Stored(msgspec.Struct, frozen=True, omit_defaults=True):
    sha256: str
    bytes: int
    enc: str | None = None


class _Reference(msgspec.Struct, frozen=True):
    ref: _Stored = msgspec.field(name="$maestro.ref")


class _Encoded(msgspec.Struct, frozen=True):
    key_id: str = msgspec.field(name="$maestro.enc")
    data: str


_encoder = msgspec.json.Encoder()
_fields: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
_reference: msgspec.json.Decoder[_Reference] = msgspec.json.Decoder(_Reference)
_encoded: msgspec.json.Decoder[_Encoded] = msgspec.json.Decoder(_Encoded)


class Sealer:
    """Turns events into the journal's bytes and back. It does no I/O but `get_now` of an object that is not at hand.

    Args:
        options: Codec, store and limits.
    """

    def __init__(self, options: PayloadOptions) -> None:
        self._codec: PayloadCodec | None = options.codec
        self._store = options.store
        self._limit = options.limit_bytes if options.store else None
        self._max = None if options.store else options.max_bytes
        self._plain_up_to = options.limit_bytes if options.store else options.max_bytes

    def seal(self, run_id: str, position: int, event: Event, objects: dict[str, bytes]) -> bytes:
        """Return the journal's bytes of an event.

        Args:
            run_id: The run.
            position: Where the event will stand.
            event: The event.
            objects: Takes, by digest, what must be in the payload store before these bytes are on disk.

        Raises:
            PayloadError: A payload is too large and there is no store.
        """
        return self.seal_bytes(run_id, position, encode_event(event), objects)

    def seal_bytes(self, run_id: str, position: int, data: bytes, objects: dict[str, bytes]) -> bytes:
        """Return the journal's bytes of an event that is there as plain bytes, without white space; see `seal`."""
        if self._codec is None and len(data) <= self._plain_up_to and MARK not in data:
            return data  # one search of a few bytes is all that an engine without a codec pays
        fields: dict[str, Any] = _fields.decode(data)
        for name, raw in fields.items():
            if name not in CLEAR:
                fields[name] = msgspec.Raw(self._sealed(bytes(raw), run_id, position, name, objects))
        return _encoder.encode(fields)

    def open(self, run_id: str, position: int, data: bytes, at_hand: Mapping[str, bytes | None]) -> bytes:
        """Return an event's plain bytes.

        Args:
            run_id: The run.
            position: Where it stands.
            data: The journal's bytes.
            at_hand: Stored payloads by digest; None for one that is not in the store.

        Raises:
            PayloadKeyError: A payload's key is not there.
            PayloadIntegrityError: A payload is not the one that was written here.
            PayloadMissingError: A stored payload is gone.
            PayloadStoreError: The payload store cannot be reached.
        """
        if MARK not in data:
            return data
        fields: dict[str, Any] = _fields.decode(data)
        for name, raw in fields.items():
            value = bytes(raw)
            if name not in CLEAR and value.startswith(TAG):
                fields[name] = msgspec.Raw(self._opened(value, run_id, position, name, at_hand))
        return _encoder.encode(fields)

    def seal_value(self, owner: str, name: str, value: bytes) -> bytes:
        """Return the journal's bytes of a payload that belongs to no run: encoded, never by reference.

        Args:
            owner: Whose it is.
            name: What it is called there.
            value: The payload, as JSON.

        Raises:
            PayloadError: It is too large to be kept.
        """
        self.check_size(name, value)
        if self._codec is None:
            return _ESC + value + b"}" if value.startswith(TAG) else value
        kept = self._codec.encode(value, _context(owner, _NO_EVENT, name))
        return _encoder.encode(_Encoded(self._codec.key_id, base64.b64encode(kept).decode()))

    def open_value(self, owner: str, name: str, kept: bytes) -> bytes:
        """Return a payload that belongs to no run, as it was before it was sealed.

        Raises:
            PayloadKeyError: Its key is not there.
            PayloadIntegrityError: It is not the one that was written here.
        """
        return self._opened(kept, owner, _NO_EVENT, name, {}) if kept.startswith(TAG) else kept

    def check_size(self, name: str, value: bytes) -> None:
        """Refuse a payload that cannot be kept.

        Raises:
            PayloadError: It is too large and there is no store.
        """
        if self._max is not None and len(value) > self._max:
            raise PayloadError(
                f"the {name} of {len(value):,} bytes is too large for the journal, which keeps up to {self._max:,} bytes: "
                "give the engine a payload_store, or raise its max_payload_bytes"
            )

    def check_small(self, name: str, value: bytes) -> None:
        """Refuse a payload that does not fit into the journal itself.

        Raises:
            PayloadError: It is too large.
        """
        if len(value) > self._plain_up_to:
            raise PayloadError(
                f"the {name} of {len(value):,} bytes is too large: it is kept in the journal, which takes up to "
                f"{self._plain_up_to:,} bytes of it"
            )

    def _sealed(self, value: bytes, run_id: str, position: int, name: str, objects: dict[str, bytes]) -> bytes:
        self.check_size(name, value)
        kept, key_id = value, None
        if self._codec is not None:
            key_id = self._codec.key_id
            kept = self._codec.encode(value, _context(run_id, position, name))
        if self._limit is not None and len(kept) > self._limit:
            sha256 = digest(kept)
            objects[sha256] = kept
            return _encoder.encode(_Reference(_Stored(sha256, len(kept), key_id)))
        if key_id is not None:
            return _encoder.encode(_Encoded(key_id, base64.b64encode(kept).decode()))
        return _ESC + value + b"}" if value.startswith(TAG) else value

    def _opened(
        self, value: bytes, run_id: str, position: int, name: str, at_hand: Mapping[str, bytes | None]
    ) -> bytes:
        where = f"event {position}, {name}"
        try:
            if value.startswith(_ESC):
                return value[len(_ESC) : -1]
            if value.startswith(REFERENCE):
                stored = _reference.decode(value).ref
                kept = self._stored(stored, run_id, where, at_hand)
                return kept if stored.enc is None else self._decoded(kept, stored.enc, run_id, position, name)
            if value.startswith(_ENC):
                encoded = _encoded.decode(value)
                kept = base64.b64decode(encoded.data, validate=True)
                return self._decoded(kept, encoded.key_id, run_id, position, name)
        except (msgspec.DecodeError, binascii.Error) as error:
            raise PayloadIntegrityError(f"its tag is damaged: {error}", run_id, where) from error
        raise PayloadIntegrityError("it has a tag that this release does not know", run_id, where)

    def _decoded(self, kept: bytes, key_id: str, run_id: str, position: int, name: str) -> bytes:
        if self._codec is None:
            raise PayloadKeyError(key_id, run_id)
        try:
            return self._codec.decode(kept, _context(run_id, position, name), key_id)
        except PayloadKeyError as error:
            raise PayloadKeyError(error.key_id, run_id) from error
        except PayloadIntegrityError as error:
            raise PayloadIntegrityError(error.reason, run_id, f"event {position}, {name}") from error

    def _stored(self, stored: _Stored, run_id: str, where: str, at_hand: Mapping[str, bytes | None]) -> bytes:
        if self._store is None:
            raise PayloadMissingError(stored.sha256, run_id, None)
        found = at_hand[stored.sha256] if stored.sha256 in at_hand else self._store.get_now(stored.sha256)
        if found is None:
            raise PayloadMissingError(stored.sha256, run_id, self._store.url)
        if digest(found) != stored.sha256:
            raise PayloadIntegrityError(f"the stored payload {stored.sha256} was altered", run_id, where)
        return found


def references(data: bytes) -> list[str]:
    """Return the digests of the stored payloads that an event's bytes refer to. Damaged ones are left to `Sealer.open`."""
    if REFERENCE not in data:
        return []
    found = []
    for name, raw in _fields.decode(data).items():
        value = bytes(raw)
        if name not in CLEAR and value.startswith(REFERENCE):
            try:
                found.append(_reference.decode(value).ref.sha256)
            except msgspec.DecodeError:
                continue
    return found


def _context(run_id: str, position: int, name: str) -> bytes:
    return _encoder.encode((run_id, position, name))
