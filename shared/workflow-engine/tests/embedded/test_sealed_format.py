"""The form in which payloads are kept is pinned: what is written today is read by every later release."""

from __future__ import annotations

from pathlib import Path

import pytest

from maestro_workflow_engine import AesGcmCodec, PayloadStore, _payload
from maestro_workflow_engine._payload_options import PayloadOptions
from maestro_workflow_engine.embedded._sealing import Sealer, references
from maestro_workflow_engine.machine import _events as ev

EVENT = ev.SignalReceived(5, "n", _payload.encode({"a": 1}))
HEAD = b'{"type":"signal_received","time":5,"name":"n","payload":'


class Reversing:
    """A codec whose output is known."""

    key_id = "r"

    def encode(self, data: bytes, context: bytes) -> bytes:
        assert context == b'["run-1",1,"payload"]'
        return data[::-1]

    def decode(self, data: bytes, context: bytes, key_id: str) -> bytes:
        assert (context, key_id) == (b'["run-1",1,"payload"]', "r")
        return data[::-1]


def test_encoded_payloads_are_golden():
    """The key's id and the codec's bytes, base64; the context is run, position and field."""
    sealer = Sealer(PayloadOptions(codec=Reversing()))
    sealed = sealer.seal("run-1", 1, EVENT, {})
    assert sealed == HEAD + b'{"$maestro.enc":"r","data":"fTE6ImEiew=="}}'
    assert sealer.open("run-1", 1, sealed, {}) == ev.encode_event(EVENT)


def test_aes_gcm_payloads_are_golden():
    """A payload that an earlier release encrypted is decrypted."""
    sealed = HEAD + b'{"$maestro.enc":"k","data":"dZ+7HrhlXb1wRIfyaxXdDsV/2PQ6Cu7Kz24mFzP4JzaC+UI="}}'
    codec = AesGcmCodec({"k": bytes(range(32))}, active="k")
    assert Sealer(PayloadOptions(codec=codec)).open("run-1", 1, sealed, {}) == ev.encode_event(EVENT)


@pytest.mark.parametrize("codec", [None, Reversing()], ids=["plain", "encoded"])
def test_references_are_golden(tmp_path: Path, codec: Reversing | None):
    """Digest and size of what is stored, and the key's id when it is encoded."""
    store = PayloadStore(f"file://{tmp_path}/store")
    sealer = Sealer(PayloadOptions(codec=codec, store=store, limit_bytes=1))
    objects: dict[str, bytes] = {}
    sealed = sealer.seal("run-1", 1, EVENT, objects)
    if codec is None:
        name, end = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862", b"}}}"
        assert objects == {name: b'{"a":1}'}
    else:
        name, end = next(iter(objects)), b',"enc":"r"}}}'
        assert objects == {name: b'}1:"a"{'}
    assert sealed == HEAD + b'{"$maestro.ref":{"sha256":"' + name.encode() + b'","bytes":7' + end
    assert references(sealed) == [name]
    assert sealer.open("run-1", 1, sealed, objects) == ev.encode_event(EVENT)


def test_escaped_payloads_are_golden():
    """A user's value that begins like a tag is wrapped once for each time it was wrapped."""
    sealer = Sealer(PayloadOptions())
    event = ev.SignalReceived(5, "n", _payload.encode({"$maestro.esc": {"$maestro.enc": "r"}}))
    sealed = sealer.seal("run-1", 1, event, {})
    assert sealed == HEAD + b'{"$maestro.esc":{"$maestro.esc":{"$maestro.enc":"r"}}}}'
    assert sealer.open("run-1", 1, sealed, {}) == ev.encode_event(event)
