"""Sinks by themselves."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from maestro.event_sinks import PlatformSink, SinksInTurn
from maestro.refused_events import RefusedEvents
from maestro_core_messaging import Broker, BrokerUnavailableError, EventTooLargeError
from maestro_core_messaging.testing import eventually
from maestro_core_monitoring import MetricsCollector
from maestro_workflow_engine import EventSinkError

EVENT = {"specversion": "1.0", "id": "1", "source": "/a/b/1", "type": "order.ready", "data": {"n": 1}}


class Takes:
    """A sink that fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.taken: list[str] = []

    async def send(self, event: Mapping[str, Any]) -> None:
        if self.failures:
            self.failures -= 1
            raise EventSinkError("not now")
        self.taken.append(event["id"])


async def test_who_has_taken_an_event_is_not_asked_again() -> None:
    """When the second of two sinks refuses, the event is offered to it alone; the next one goes to both."""
    first, second = Takes(), Takes(failures=2)
    both = SinksInTurn([first, second])
    for _ in range(2):
        with pytest.raises(EventSinkError):
            await both.send(EVENT)
    await both.send(EVENT)
    await both.send({**EVENT, "id": "2"})
    assert (first.taken, second.taken) == (["1", "2"], ["1", "2"])


class Refusing:
    """A broker that answers with the given errors, one for each attempt, and then takes."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.taken: list[tuple[bytes, str]] = []

    async def publish_raw(self, body: bytes, subject: str) -> None:
        if self._errors:
            raise self._errors.pop(0)
        self.taken.append((body, subject))


def _held_up(metrics: MetricsCollector) -> float:
    (line,) = (
        line
        for line in metrics.exposition()[0].decode().splitlines()
        if line.startswith("maestro_events_held_up_seconds ")
    )
    return float(line.split()[1])


def _sink(broker: Refusing | Broker, file: Path, metrics: MetricsCollector) -> PlatformSink:
    async def connected() -> Any:
        return broker

    return PlatformSink(connected, RefusedEvents(file), metrics)


async def test_an_event_waits_while_the_server_is_away(tmp_path: Path) -> None:
    """It is offered until it has been taken, and how long it was held up is zero again."""
    away = BrokerUnavailableError("no answer", server="nats://x")
    broker, metrics = Refusing(away, away), MetricsCollector("tests")
    await _sink(broker, tmp_path / "refused", metrics).send(EVENT)
    ((body, subject),) = broker.taken
    assert (json.loads(body), subject) == (EVENT, "maestro.maestro-orchestrator.emitted.order.ready")
    assert "maestro_events_held_up_seconds 0.0" in metrics.exposition()[0].decode()
    assert not (tmp_path / "refused").exists()


async def test_how_long_it_waits_is_shown_from_the_start(tmp_path: Path) -> None:
    """Where there was never a connection the gauge tells of it too, as an alert needs it to."""
    metrics, broker = MetricsCollector("tests"), asyncio.Future[Any]()

    async def connected() -> Any:
        return await asyncio.shield(broker)

    sending = asyncio.create_task(PlatformSink(connected, RefusedEvents(tmp_path / "refused"), metrics).send(EVENT))

    async def is_held_up() -> bool:
        return _held_up(metrics) > 0

    await eventually(is_held_up)
    broker.set_result(Refusing())
    await sending
    assert _held_up(metrics) == 0


async def test_what_can_never_be_published_is_set_aside(tmp_path: Path) -> None:
    """It is in the file, for the owner's eyes, and counted; those behind it go on."""
    large = EventTooLargeError(event_type="order.ready", size_bytes=2, limit_bytes=1)
    broker, metrics, file = Refusing(large), MetricsCollector("tests"), tmp_path / "refused"
    sink = _sink(broker, file, metrics)
    await sink.send(EVENT)
    await sink.send({**EVENT, "id": "2"})
    kept = json.loads(file.read_text())
    assert (kept["code"], kept["event"]) == ("EVENT_TOO_LARGE", EVENT)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [json.loads(body)["id"] for body, _ in broker.taken] == ["2"]
    assert 'maestro_events_refused_total{reason="EVENT_TOO_LARGE"} 1' in metrics.exposition()[0].decode()


async def test_what_the_library_does_not_read_is_set_aside_too(tmp_path: Path) -> None:
    """What is no CloudEvent would be refused for ever."""
    file, sourceless = tmp_path / "refused", {name: value for name, value in EVENT.items() if name != "source"}
    async with Broker.opened(service_name="maestro-orchestrator") as broker:
        await _sink(broker, file, MetricsCollector("tests")).send(sourceless)
    kept = json.loads(file.read_text())
    assert (kept["code"], kept["event"]) == ("UNREADABLE_EVENT", sourceless)
