from dataclasses import fields, replace
from typing import Any

import pytest
from chains import KEY, KEYS, LOG, NOW, chain, checkpoints, judged, rechained
from hypothesis import given
from hypothesis import strategies as st

from governance_service.audit.domain import AuditEntry, Checkpoint, Verifier
from governance_service.keys import PublicKeys, SigningKey

TEXTS = [one.name for one in fields(AuditEntry) if one.type in ("str", "str | None", str, str | None)]
NUMBERS = ["position", "time_us", "occurred_us"]


@given(st.integers(0, 12), st.data())
def test_an_untouched_chain_is_intact(length: int, data: st.DataObject) -> None:
    """Whatever was signed, and how long the chain has grown since, it is intact, and the last checkpoint says how far it is vouched for."""
    entries = chain(length)
    positions = sorted(data.draw(st.sets(st.integers(0, length))))
    verdict = judged(entries, checkpoints(entries, positions))
    assert verdict.intact, verdict
    assert (verdict.head, verdict.entries) == (length, length)
    assert verdict.anchored == max(positions, default=0)


@given(st.integers(1, 10), st.data())
def test_a_change_to_any_field_is_found(length: int, data: st.DataObject) -> None:
    """Whichever field of whichever entry is edited, that entry is the first broken one."""
    entries = chain(length)
    index = data.draw(st.integers(0, length - 1))
    name = data.draw(st.sampled_from([*TEXTS, *NUMBERS]))
    old = getattr(entries[index], name)
    new: Any = data.draw(st.integers(0, 2**54) if name in NUMBERS else st.text(max_size=70))
    changed = [*entries]
    changed[index] = replace(entries[index], **{name: new})
    verdict = judged(changed, checkpoints(entries, [length]))
    assert verdict.intact == (new == old)
    if not verdict.intact:
        assert verdict.broken is not None
        assert verdict.head == index
        assert verdict.broken.position in (index + 1, new)


@given(st.integers(1, 10), st.data())
def test_tampering_that_recomputes_every_hash_is_found(length: int, data: st.DataObject) -> None:
    """Who edits, deletes, inserts or swaps entries and mends the whole chain after them is found by the next checkpoint."""
    entries = chain(length)
    at = data.draw(st.integers(0, length - 1))
    tampered = [*entries]
    match data.draw(st.sampled_from(["edit", "delete", "insert", "swap"])):
        case "edit":
            tampered[at] = replace(entries[at], actor="mallory")
        case "delete":
            del tampered[at]
        case "insert":
            tampered.insert(at, replace(entries[at], actor="mallory", entry_id="new"))
        case _:
            other = data.draw(st.integers(0, length - 1))
            tampered[at], tampered[other] = tampered[other], tampered[at]
    mended = rechained(tampered, 0)
    verdict = judged(mended, checkpoints(entries, [length]))
    assert verdict.intact == (mended == entries)
    if not verdict.intact:
        assert verdict.broken is not None
        assert verdict.broken.fault in ("history-rewritten", "entries-cut-off")


@given(st.integers(2, 10), st.data())
def test_tampering_without_mending_names_the_place(length: int, data: st.DataObject) -> None:
    """Who deletes, inserts or swaps entries and mends nothing is found at that very place."""
    entries = chain(length)
    at = data.draw(st.integers(0, length - 2))
    tampered = [*entries]
    match data.draw(st.sampled_from(["delete", "insert", "swap"])):
        case "delete":
            del tampered[at]
            fault = "entry-missing"
        case "insert":
            tampered.insert(at, entries[at + 1])
            fault = "entry-missing"
        case _:
            tampered[at], tampered[at + 1] = tampered[at + 1], tampered[at]
            fault = "entry-missing"
    verdict = judged(tampered, checkpoints(entries, [length]))
    assert verdict.broken is not None
    assert (verdict.broken.fault, verdict.broken.position) == (fault, at + 1)


@given(st.integers(1, 10), st.data())
def test_a_cut_tail_and_an_older_copy_are_found(length: int, data: st.DataObject) -> None:
    """A chain that ends before a signed position is found, also when it has grown another tail since: a restored older copy that went on."""
    entries = chain(length)
    anchors = checkpoints(entries, [length])
    kept = data.draw(st.integers(0, length - 1))
    verdict = judged(entries[:kept], anchors)
    assert verdict.broken is not None
    assert (verdict.broken.fault, verdict.broken.position) == ("entries-cut-off", kept + 1)
    went_on = chain(data.draw(st.integers(1, 12)), actor="eve", after=tuple(entries[:kept]))
    other = judged(went_on, anchors)
    assert other.broken is not None
    assert other.broken.fault == ("history-rewritten" if len(went_on) >= length else "entries-cut-off")


@given(st.lists(st.integers(0, 6), min_size=1, max_size=5), st.data())
def test_a_checkpoint_that_was_edited_is_found(positions: list[int], data: st.DataObject) -> None:
    """A change to any field of any checkpoint breaks its signature, or that of the one which vouches for it."""
    entries = chain(6)
    anchors = checkpoints(entries, sorted(positions))
    index = data.draw(st.integers(0, len(anchors) - 1))
    name = data.draw(st.sampled_from([one.name for one in fields(Checkpoint)]))
    old = getattr(anchors[index], name)
    new: Any = old + 1 if isinstance(old, int) else old[:-2] + ("AA" if old[-2:] != "AA" else "BB")
    anchors[index] = replace(anchors[index], **{name: new})
    verdict = judged(entries, anchors)
    assert verdict.broken is not None
    assert verdict.broken.fault in ("checkpoint-forged", "other-log")


def test_a_checkpoint_of_a_key_that_is_not_trusted_is_found() -> None:
    """Who signs a rewritten chain with a key of their own is found."""
    entries = rechained([replace(chain(3)[0], actor="mallory"), *chain(3)[1:]], 0)
    stranger = SigningKey.generated(NOW)
    verdict = judged(entries, checkpoints(entries, [3], key=stranger))
    assert verdict.broken is not None
    assert verdict.broken.fault == "checkpoint-forged"
    # A key set that gives the stranger's key the name of the trusted one changes nothing: names are worked out.
    renamed = PublicKeys({"keys": [{**stranger.jwk(), "kid": KEY.key_id}, KEY.jwk()]})
    assert judged(entries, checkpoints(entries, [3], key=stranger), renamed).broken is None
    assert not KEYS.verifies(stranger.key_id, b"x", stranger.sign(b"x"))


def test_a_chain_can_be_read_from_its_middle() -> None:
    """Where earlier entries are kept elsewhere, reading begins after them, and an older checkpoint says nothing."""
    entries = chain(6)
    verifier = Verifier(LOG, checkpoints(entries, [2, 6]), KEYS, after=(3, entries[2].hash))
    for entry in entries[3:]:
        verifier.read(entry)
    assert verifier.verdict().intact
    assert verifier.verdict().anchored == 6
    wrong = Verifier(LOG, [], KEYS, after=(3, entries[1].hash))
    wrong.read(entries[3])
    assert wrong.verdict().broken is not None


@pytest.mark.parametrize(
    "line", ["", "{}", "[]", "nonsense", '{"format":"maestro-audit-checkpoint/1"}', "[" * 10_000, "null"]
)
def test_a_line_that_is_no_checkpoint_is_refused(line: str) -> None:
    """What is read from a file is checked before it is believed to be a checkpoint."""
    from governance_service.audit.domain import NoCheckpointError

    with pytest.raises(NoCheckpointError):
        Checkpoint.read(line)


def test_a_checkpoint_survives_being_written() -> None:
    """A checkpoint that is written and read is the same one."""
    (one,) = checkpoints(chain(2), [2])
    assert Checkpoint.read(one.line()) == one
    assert one.is_signed_by(KEYS)
