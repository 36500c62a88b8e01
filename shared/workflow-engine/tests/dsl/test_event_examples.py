"""The specification's examples that listen, emit or are started by events, run with an asserted result."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from listening import LIMIT, event, listens

from maestro_workflow_engine import WorkflowEngine
from maestro_workflow_engine.dsl import (
    DocumentSchedules,
    HttpRequest,
    HttpResponse,
    Steps,
    WorkflowDocument,
    load_document,
)

TEMPERATURE, BPM = "com.fake-hospital.vitals.measurements.temperature", "com.fake-hospital.vitals.measurements.bpm"
RACE, HEARTBEAT = (
    "com.virtual-wf-powered-race.events.race.started.v1",
    "com.example.hospital.events.patients.heartbeat.low",
)
CHECKUP, TRIGGER = "com.fake.petclinic.pets.checkup.completed.v2", "io.serverlessworkflow.samples.events.trigger.v1"
HOT, COLD, FAST = {"temperature": 39}, {"temperature": 37}, {"bpm": 120}


class Web:
    """Stands in for every host: answers with what it was asked, or with 404."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.asked: list[tuple[str, str, Any]] = []

    async def call(self, request: HttpRequest) -> HttpResponse:
        body = json.loads(request.content) if request.content else None
        self.asked.append((request.method, request.url, body))
        return HttpResponse(
            self.status, {"content-type": "application/json"}, json.dumps({"asked": request.url}).encode()
        )

    async def until(self, count: int) -> None:
        deadline = time.monotonic() + LIMIT.total_seconds()
        while len(self.asked) < count:
            assert time.monotonic() < deadline, self.asked
            await asyncio.sleep(0.005)


def example(path: Path) -> WorkflowDocument:
    return load_document(path.read_text())


async def ran(path: Path, events: list[dict[str, Any]], payload: Any = None, web: Web | None = None) -> Any:
    """Run an example, send it events once it listens, and return its output."""
    document = example(path)
    workflow = document.as_workflow(Steps(http=web or Web()))
    async with WorkflowEngine("sqlite://", workflows=[workflow]) as engine:
        handle = await engine.start(document.qualified_name, payload)
        if events:
            await listens(handle)
        for each in events:
            await engine.publish_event(each)
        return await handle.result(LIMIT)


@pytest.mark.parametrize(
    ("name", "events", "expected"),
    [
        ("listen-to-all", [event(TEMPERATURE, COLD), event(BPM, FAST), event(TEMPERATURE, HOT)], [FAST, HOT]),
        ("listen-to-any-filter", [event(TEMPERATURE, COLD), event(BPM, FAST)], [FAST]),
        ("listen-to-any", [event("whatever", 1)], [1]),
        ("listen-to-any-until-condition", [event("a", n) for n in range(6)], [0, 1, 2, 3]),
        (
            "listen-to-any-until-consumed",
            [event(TEMPERATURE, HOT), event(TEMPERATURE, COLD), event(BPM, FAST), event("com.fake-hospital.patient.checked-out")],
            [HOT, FAST],
        ),
    ],
)  # fmt: skip
async def test_examples_that_listen(conformance_data: Path, name: str, events: list[Any], expected: Any) -> None:
    """The output is the list of the data of what was consumed."""
    assert await ran(conformance_data / "examples" / f"{name}.yaml", events) == expected


async def test_listen_to_all_read_envelope(conformance_data: Path) -> None:
    """The output is the list of whole events."""
    events = [{"specversion": "1.0", **event(BPM, FAST)}, {"specversion": "1.0", **event(TEMPERATURE, HOT)}]
    assert await ran(conformance_data / "examples" / "listen-to-all read-envelope.yaml", events) == events


async def test_listen_to_one(conformance_data: Path) -> None:
    """The event lets the next task go on. Its endpoint is filled in from a list, which has no properties."""
    web = Web()
    path = conformance_data / "examples" / "listen-to-one.yaml"
    url = "https://virtual-wf-powered-race.com/api/v4/cars//start"
    assert await ran(path, [event(RACE, {"carId": 7})], web=web) == {"asked": url}
    assert web.asked == [("POST", url, None)]


async def test_listen_to_any_forever_foreach(conformance_data: Path) -> None:
    """Each event is posted, one after the other; it ends by being cancelled."""
    web = Web()
    document = example(conformance_data / "examples" / "listen-to-any-forever-foreach.yaml")
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow(Steps(http=web))]) as engine:
        handle = await engine.start(document.qualified_name)
        await listens(handle)
        for number in range(3):
            await engine.publish_event(event("gossip", {"roomId": number}))
        await web.until(3)
        assert (await handle.status()).status.is_open
        await handle.cancel()
    rooms = [f"https://fake-chat-api.com/room/{number}" for number in range(3)]
    assert web.asked == [("POST", room, {"event": {"roomId": number}}) for number, room in enumerate(rooms)]


async def test_emit(conformance_data: Path) -> None:
    """The output is the event."""
    output = await ran(conformance_data / "examples" / "emit.yaml", [])
    assert (output["source"], output["type"]) == ("https://petstore.com", "com.petstore.order.placed.v1")
    assert output["data"]["items"] == [{"breed": "dalmatian", "quantity": 101}]


async def test_try_catch_then_emits_the_error(conformance_data: Path) -> None:
    """What the handler emits is heard by others."""
    listener = load_document(
        "document: {dsl: '1.0.3', namespace: test, name: support, version: 1.0.0}\n"
        "do: [{w: {listen: {to: {one: {with: {type: io.swagger.petstore.events.pets.not-found.v1}}}}}}]"
    )
    document = example(conformance_data / "examples" / "try-catch-then.yaml")
    web = Web(404)
    async with WorkflowEngine(
        "sqlite://", workflows=[listener.as_workflow(), document.as_workflow(Steps(http=web))]
    ) as engine:
        support = await engine.start(listener.qualified_name)
        await listens(support)
        await engine.start(document.qualified_name, {"petId": 3})
        (error,) = await support.result(LIMIT)
    assert error["status"] == 404


async def test_for_listens_in_each_round(conformance_data: Path) -> None:
    """One event for each pet. The example transforms the task's output as if it were an object; here each round ends there."""
    document = example(conformance_data / "examples" / "for.yaml")
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow()]) as engine:
        handle = await engine.start(document.qualified_name, {"pets": [{"id": 1}, {"id": 2}]})
        assert await handle.result(LIMIT) == {"pets": [{"id": 1}, {"id": 2}]}  # without a vet nobody is checked
        handle = await engine.start(document.qualified_name, {"pets": [{"id": 1}], "vet": {"name": "Ada"}})
        await listens(handle)
        assert [wait.name for wait in (await handle.status()).waiting_for] == [CHECKUP]
        await handle.cancel()


@pytest.mark.parametrize(("name", "expected"), [("set", {"startEvent": {"n": 1}}), ("set-expression", {"n": 1})])
async def test_examples_that_an_event_starts(conformance_data: Path, name: str, expected: Any) -> None:
    """The run's input is the list of events, read as data."""
    document = example(conformance_data / "examples" / f"{name}.yaml")
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow()]) as engine:
        await DocumentSchedules(engine).put(document)
        await listens(engine.handle(f"{document.namespace}.{document.name}.on:{document.version}"))
        await engine.publish_event(event(TRIGGER, {"n": 1}))
        deadline = time.monotonic() + LIMIT.total_seconds()
        while not (runs := (await engine.runs(workflow=document.qualified_name)).runs):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.005)
        assert await engine.handle(runs[0].id).result(LIMIT) == expected


async def test_schedule_event_driven(conformance_data: Path) -> None:
    """The nurse is called with what the event's data says. The example looks for a member `data` in the data."""
    web = Web()
    document = example(conformance_data / "examples" / "schedule-event-driven.yaml")
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow(Steps(http=web))]) as engine:
        await DocumentSchedules(engine).put(document)
        await listens(engine.handle(f"{document.namespace}.{document.name}.on:{document.version}"))
        patient = {"id": "p1", "name": "Bo", "room": {"number": 7}, "vitals": {"bpm": 40}}
        await engine.publish_event(event(HEARTBEAT, {"data": {"patient": patient, "timestamp": "now"}}))
        await web.until(1)
    ((method, url, body),) = web.asked
    assert (method, url) == ("POST", "https://hospital.example.com/api/v1/notify")
    assert (body["patientId"], body["roomNumber"], body["vitals"]) == ("p1", 7, {"heartRate": 40, "timestamp": "now"})


async def test_schedule_cron(conformance_data: Path) -> None:
    """The backup begins each midnight."""
    web = Web()
    document = example(conformance_data / "examples" / "schedule-cron.yaml")
    async with WorkflowEngine.test([document.as_workflow(Steps(http=web))]) as engine:
        await DocumentSchedules(engine).put(document)
        (schedule,) = await engine.schedules()
        await (await engine.schedule_handle(schedule.id).trigger()).result(LIMIT)
        assert [(moment.hour, moment.minute) for moment in schedule.next_times[:2]] == [(0, 0)] * 2
    assert web.asked == [("POST", "https://example.com/api/v1/backup/start", None)]
