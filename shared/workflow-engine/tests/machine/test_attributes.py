"""Search attributes on the machine alone: events in, commands out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from engine_driving import Drive, replayed

from maestro_workflow_engine import (
    NonDeterminismError,
    SearchAttributeError,
    WorkflowContextError,
    continue_as_new,
    info,
    receive,
    set_attributes,
    step,
    workflow,
)
from maestro_workflow_engine.machine import _commands as cmd
from maestro_workflow_engine.machine import _events as ev


@step
async def work() -> None: ...


@workflow
async def tagged() -> dict[str, object]:
    set_attributes(customer="acme", cents=1250)
    await work()
    set_attributes(cents=None, done=True)
    set_attributes(done=True)
    return dict(info().attributes)


def records(drive: Drive) -> list[cmd.RecordAttributes]:
    return [command for command in drive.commands if isinstance(command, cmd.RecordAttributes)]


def confirm(drive: Drive, command: cmd.RecordAttributes) -> None:
    assert drive.feed(ev.AttributesSet(drive.now, command.changed)) == []


def test_a_change_is_a_command_and_counts_for_the_code_at_once():
    """Each call that changes something asks for one event; one that changes nothing asks for none."""
    drive = Drive(tagged)
    (first,) = records(drive)
    assert first.changed == first.after == {"customer": "acme", "cents": 1250}
    confirm(drive, first)
    drive.complete(1, None)
    _, second = records(drive)
    assert second.changed == {"cents": None, "done": True}
    assert second.after == drive.output == {"customer": "acme", "done": True}


def test_changes_that_are_not_confirmed_are_asked_for_again_after_a_replay():
    """Between the call and its event on disk a process may die: the replay asks for what is missing, in order, no more."""
    drive = Drive(tagged)
    first = records(drive)[0]
    for history, missing in (
        (drive.history, [first]),
        ([*drive.history, ev.AttributesSet(drive.now, first.changed)], []),
    ):
        machine, _ = replayed(tagged, list(history))
        asked = [command for command in machine.outstanding() if isinstance(command, cmd.RecordAttributes)]
        assert asked == missing
    confirm(drive, first)
    drive.complete(1, None)
    machine, _ = replayed(tagged, drive.history)
    asked = [command for command in machine.outstanding() if isinstance(command, cmd.RecordAttributes)]
    assert [command.changed for command in asked] == [{"cents": None, "done": True}]
    machine.apply(ev.AttributesSet(drive.now, asked[0].changed), 4)  # it reached the disk, the end of the run did not
    assert not any(isinstance(command, cmd.RecordAttributes) for command in machine.outstanding())
    assert isinstance(machine.outstanding()[-1], cmd.CompleteRun)


def test_an_event_may_come_between_a_change_and_its_confirmation():
    """Events that were on their way already go ahead; changes are confirmed in the order in which they were made."""

    @workflow
    async def flow() -> None:
        set_attributes(a=1)
        await receive("go")
        set_attributes(b=2)
        await receive("end")

    drive = Drive(flow)
    drive.signal("go", None)
    for command in records(drive):
        confirm(drive, command)
    machine, _ = replayed(flow, drive.history)
    assert machine.outstanding() == []
    assert machine.attributes.current == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"customer": "other"}, r"set_attributes\(customer='other'\)"),
        ({}, "no such call"),
        ({"customer": True}, "True"),
    ],
)
def test_code_that_sets_something_else_in_a_replay_is_named(values: dict[str, object], found: str):
    """The history has one change, the code makes another or none: run, position, expected and found are told."""

    @workflow(name="flow")
    async def old() -> None:
        set_attributes(customer=1)
        await receive("go")

    @workflow(name="flow")
    async def new() -> None:
        set_attributes(**values)  # type: ignore[arg-type]  the point
        await receive("go")

    drive = Drive(old)
    confirm(drive, records(drive)[0])
    with pytest.raises(NonDeterminismError, match=found) as caught:
        replayed(new, drive.history)
    assert (caught.value.position, caught.value.expected) == (1, "set_attributes(customer=1)")


def test_what_the_run_was_started_with_is_there_from_the_first_line():
    """The start brings attributes; a call with the same values asks for nothing."""
    due = datetime(2030, 1, 2, tzinfo=UTC)

    @workflow
    async def flow() -> None:
        assert info().attributes == {"customer": "acme", "due": due, "sku": ["A-1", "B-2"]}
        set_attributes(customer="acme", due=due, sku=["A-1", "B-2"])
        continue_as_new()

    history = [ev.RunStarted(1, ev.decode_event(b'{"type":"run_started","time":1,"input":null,"seed":1}').input, 1)]  # type: ignore[union-attr]  it is one
    raw = ev.encode_event(history[0])[:-1] + (
        b',"attributes":{"customer":"acme","due":{"at_us":1893542400000000},"sku":["A-1","B-2"]}}'
    )
    machine, commands = replayed(flow, [ev.decode_event(raw)])
    assert [type(command) for command in commands] == [cmd.ContinueRun]
    assert set(machine.attributes.current) == {"customer", "due", "sku"}


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("1st", "x", "begins with a letter"),
        ("a b", "x", "letters, digits"),
        ("a" * 65, "x", "up to 64"),
        ("text", "ä" * 513, "1,026 bytes"),
        ("words", ["a" * 600, "b" * 600], "1,200 bytes"),
        ("words", ["a"] * 65, "64 keywords"),
        ("words", [1], "none of str"),
        ("number", 2**63, "64 bits"),
        ("number", float("nan"), "compared"),
        ("time", datetime(2030, 1, 1), "time zone"),  # noqa: DTZ001  the point
        ("object", {"a": 1}, "dict is none of"),
        ("text", "\ud800", "UTF-8"),
    ],
)
def test_a_name_or_value_that_is_none_is_refused_with_its_reason(name: str, value: object, why: str):
    """The error names the attribute and says why; it is journalled like any exception and made again from that."""

    @workflow
    async def flow() -> None:
        with pytest.raises(SearchAttributeError, match=why) as caught:
            set_attributes(**{"fine": 1, name: value})  # type: ignore[arg-type]  the point
        assert (caught.value.attribute, info().attributes) == (name, {})
        raise caught.value

    closing = Drive(flow).closing
    assert isinstance(closing, cmd.FailRun)
    assert closing.failure.type.endswith(":SearchAttributeError")


def test_a_run_has_at_most_64_attributes():
    """The 65th is refused, removing one makes room."""

    @workflow
    async def flow() -> None:
        set_attributes(**{f"a{n}": n for n in range(64)})
        with pytest.raises(SearchAttributeError, match="'b' was refused: a run has at most 64"):
            set_attributes(b=1)
        set_attributes(a1=None, b=1)

    drive = Drive(flow)
    assert isinstance(drive.closing, cmd.CompleteRun)
    assert len(records(drive)[-1].after) == 64


def test_attributes_are_set_only_inside_a_workflow():
    """Elsewhere there is no run to set them on."""
    with pytest.raises(WorkflowContextError, match="set_attributes"):
        set_attributes(a=1)


def test_the_events_are_golden():
    """The bytes on disk are pinned; what has no attributes has no more bytes than before."""
    for data in (
        b'{"type":"run_started","time":1,"input":null,"seed":2}',
        b'{"type":"run_started","time":1,"input":null,"seed":2,"attributes":{"a":"x","t":{"at_us":5}}}',
        b'{"type":"attributes_set","time":1,"attributes":{"i":1,"f":1.0,"b":true,"s":"x","k":["y","z"],"t":{"at_us":5},"gone":null}}',
    ):
        assert ev.encode_event(ev.decode_event(data)) == data
