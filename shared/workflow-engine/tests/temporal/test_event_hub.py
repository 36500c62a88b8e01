"""What the hub of events knows and decides: without a cluster."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest

from maestro_workflow_engine._event_filter import Correlation, EventFilter, Is, Where, encode_filters
from maestro_workflow_engine.temporal.events import _memory, _state
from maestro_workflow_engine.temporal.events._listeners import REMEMBERED_US
from maestro_workflow_engine.temporal.events._memory import REMEMBERED_S, EventMemory
from maestro_workflow_engine.temporal.events._state import HubState
from maestro_workflow_engine.temporal.events._wire import NOBODY, Answer, Listens, Published, squeezed

NOW = 1_900_000_000_000_000


def wants(*kinds: str) -> msgspec.Raw:
    return msgspec.Raw(encode_filters(tuple(EventFilter({"type": Is(kind)}) for kind in kinds)))


def said(run: str, version: int, *kinds: str) -> Listens:
    return Listens(run, NOW + version, wants(*kinds))


def published(kind: str, number: int, *, leaves: bool = False, data: Any = None) -> Published:
    made = {"specversion": "1.0", "id": str(number), "source": "s", "type": kind, "data": data}
    return Published(msgspec.Raw(msgspec.json.encode(made)), leaves)


def heard_by(state: HubState, kind: str) -> list[str]:
    return state.index.matching({"type": kind})


def again(state: HubState) -> HubState:
    return HubState(state.kept(), NOW)


def publish(state: HubState, message: Published) -> Answer:
    answer, arrival = state.arrive(message, NOW)
    if arrival is not None:
        state.send(arrival, state.index.matching(arrival.event))
    return answer


def test_what_a_run_said_last_counts():
    """Whatever order it comes in, and also when the run has left meanwhile; the next pass of the hub knows the same."""
    state = HubState(b"", NOW)
    for message in (said("r", 5, "a", "b"), said("r", 3, "c"), said("q", 4, "b")):
        assert state.listen(message, NOW) == Answer()
    for found in (state, again(state)):
        assert [heard_by(found, kind) for kind in "abc"] == [["r"], ["r", "q"], []]
    state.listen(said("r", 9), NOW)
    state.listen(said("r", 8, "a"), NOW)  # an attempt that was believed lost
    assert heard_by(state, "a") == heard_by(again(state), "a") == []
    late = again(state)
    late.listen(said("r", 8, "a"), NOW)
    assert heard_by(late, "a") == []
    late.listen(
        said("x", REMEMBERED_US * 2, "z"), NOW + 10 * REMEMBERED_US
    )  # nothing is late any more, and that is forgotten
    assert [each.id for each in late.listeners.kept()] == ["q", "x"]


def test_a_run_that_has_ended_is_forgotten_unless_it_listens_again():
    """The one that listens now has said so later."""
    state = HubState(b"", NOW)
    state.listen(said("r", 5, "a"), NOW)
    state.listeners.ended("r", NOW + 4)
    assert heard_by(state, "a") == ["r"]
    state.listeners.ended("r", NOW + 5)
    state.listeners.ended("r", NOW + 5)
    assert heard_by(state, "a") == []
    assert state.listeners.size_bytes == 0


def test_filters_that_this_release_cannot_read_are_none():
    """They keep nobody else from an event."""
    state = HubState(b"", NOW)
    state.listen(Listens("r", 1, msgspec.Raw(b'[{"attributes":{"type":{"k":"later"}}}]')), NOW)
    state.listen(said("q", 1, "a"), NOW)
    assert heard_by(again(state), "a") == ["q"]


def test_all_who_listen_are_checked_one_after_the_other():
    """Over passes of the hub, each once before one comes again."""
    state, seen = HubState(b"", NOW), []
    for number in range(7):
        state.listen(said(f"r{number}", 1, "a"), NOW)
    for _ in range(3):
        seen += state.listeners.to_check(3)
        state = again(state)
    assert sorted(seen[:7]) == [f"r{number}" for number in range(7)]


def test_an_event_is_known_for_its_time():
    """By source and id, and as long as not too many have come since."""
    memory = EventMemory()
    assert memory.note({"source": "s", "id": "1"}, 0)
    assert memory.note({"source": "s1", "id": ""}, 0)  # no other way of cutting the two is the same
    memory = EventMemory(memory.kept())
    assert not memory.note({"source": "s", "id": "1"}, REMEMBERED_S)
    assert memory.note({"source": "s", "id": "1"}, REMEMBERED_S + 1)
    for number in range(_memory.MOST):
        memory.note({"source": "t", "id": str(number)}, REMEMBERED_S + 2)
    assert len(memory) == _memory.MOST
    assert not memory.note({"source": "t", "id": "0"}, REMEMBERED_S + 2)
    assert memory.note({"source": "s", "id": "1"}, REMEMBERED_S + 2)


def test_errands_are_cut_and_keep_the_order():
    """By how many signals they are and by how large their events are; nobody is left out."""
    state = HubState(b"", NOW)
    assert state.room_for_events > 1_000
    for number in range(1_500):
        state.listen(said(f"r{number}", 1, "a"), NOW)
    assert state.room_for_events == 20
    state.listen(said("only", 1, "b"), NOW)
    publish(state, published("a", 1))
    publish(state, published("b", 2, data="x" * 400_000))
    publish(state, published("b", 3, data="x" * 400_000))
    publish(state, published("nobody", 4))
    errands = []
    while state.has_backlog:
        errands.append(state.errand()[0])
    assert [len(errand.runs) for errand in errands] == [1_000, 501, 1]
    reached: dict[str, list[int]] = {}
    for errand in errands:
        for run, places in errand.runs.items():
            assert {version for _, version in places} == {NOW + 1}
            reached.setdefault(run, []).extend(errand.events[place].number for place, _ in places)
    assert set(map(len, reached.values())) == {1, 2}
    assert reached["only"] == sorted(reached["only"])
    assert [number - NOW for number in reached["only"]] == [2, 3]
    assert publish(again(state), published("b", 3)) == Answer(is_new=False)


def test_a_repetition_is_answered_as_before():
    """Whoever asks again has not heard the answer; also the next pass knows it."""
    state = HubState(b"", NOW)
    state.answer("batch", (Answer(is_new=True), Answer(is_taken=False)))
    assert again(state).answered("batch") == (Answer(is_new=True), Answer(is_taken=False))
    assert state.answered("another") is None


def test_no_one_listens_beyond_the_room_there_is(monkeypatch: pytest.MonkeyPatch):
    """It is measured before somebody is refused; who listens already may want less, and one who leaves makes room."""
    monkeypatch.setattr(_state, "LISTENERS_BYTES", 100_000)
    state, taken = HubState(b"", NOW), 0

    def some(run: str) -> Listens:
        correlated = EventFilter({"type": Is("paid")}, {"order": Correlation(".data.order", {}, run)})
        return Listens(run, 1, msgspec.Raw(encode_filters((correlated,))))

    while state.listen(some(uuid.UUID(int=taken).hex), NOW).is_taken:
        taken += 1
        if state.needs_measuring:
            state.measured(len(squeezed(state.kept_listeners())))
    assert taken * len(bytes(some("x" * 32).filters)) > 150_000  # what is alike takes little room
    assert len(squeezed(state.kept_listeners())) <= 100_000
    assert state.listen(Listens(uuid.UUID(int=0).hex, 2, wants("x")), NOW).is_taken
    for number in range(taken // 2):
        state.listen(Listens(uuid.UUID(int=number).hex, 3, msgspec.Raw(NOBODY)), NOW)
    assert again(state).listen(some("new"), NOW).is_taken
    state.equip(has_store=True)
    assert state.listen(Listens("r", 1, msgspec.Raw(encode_filters((EventFilter({"data": Where("true", {"x": "y" * 200_000})}),)))), NOW).is_taken  # fmt: skip


def test_what_is_to_leave_waits_in_bounds(monkeypatch: pytest.MonkeyPatch):
    """One that finds no room is not taken, so that it is new when it comes again; the order stays."""
    monkeypatch.setattr(_state, "OUTBOX_BYTES", 1_000)
    state = HubState(b"", NOW)
    answers = [publish(state, published("a", number, leaves=True, data="x" * 300)) for number in range(4)]
    assert [answer.is_taken for answer in answers] == [True, True, False, False]
    assert publish(state, published("a", 9)) == Answer()
    state = again(state)
    assert [msgspec.json.decode(event)["id"] for event in state.to_forward()] == ["0", "1"]
    state.forwarded(1)
    assert publish(state, published("a", 2, leaves=True)) == Answer()
    assert [msgspec.json.decode(event)["id"] for event in state.to_forward()] == ["1", "2"]
    large = HubState(b"", NOW)
    assert publish(large, published("a", 1, leaves=True, data="x" * 5_000)) == Answer()  # alone it always fits
