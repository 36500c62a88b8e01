"""Against a real NATS server: dead letters and events between services, from the command line."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from maestro_cli.testing import Workspace
from maestro_core_messaging import Broker, EventType, RejectEventError
from maestro_core_messaging.testing import NatsServer, eventually


class Paid(BaseModel):
    number: int


PAID = EventType("orders.order.paid", 1, Paid)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with NatsServer(tmp_path_factory.mktemp("nats")) as started:
        yield started


@pytest.fixture
def space(tmp_path: Path, server: NatsServer) -> Workspace:
    workspace = Workspace(tmp_path)
    workspace.environ["MAESTRO_MESSAGING_URL"] = server.url
    return workspace


def _serve(server: NatsServer, durable: str, numbers: range, *, broken: bool, wanted: int) -> list[int]:
    """Publish events, let a consumer handle or reject them, and return what it has handled."""
    handled: list[int] = []

    async def run() -> None:
        async with Broker.opened(server.url, service_name="orders") as broker:

            @broker.subscriber(PAID, durable=durable)
            async def handle(event: Any) -> None:
                if broken:
                    raise RejectEventError(f"order {event.data.number} is not known")
                handled.append(event.data.number)

            for number in numbers:
                await broker.publish(PAID, Paid(number=number))
            name = broker.consumer_name(durable)

            async def enough() -> bool:
                letters = await broker.dead_letters.list(consumer=name)
                return len(letters if broken else handled) >= wanted

            await eventually(enough)

    asyncio.run(run())
    return handled


def _letters(space: Workspace, consumer: str) -> list[dict[str, Any]]:
    done = space.ask("event", "dead-letters", "-c", consumer, "--json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_dead_letters_are_shown_replayed_and_discarded(space: Workspace, server: NatsServer) -> None:
    """One is discarded, the others are handled by the mended consumer, and then there are none."""
    _serve(server, "mended", range(3), broken=True, wanted=3)
    letters = _letters(space, "orders_mended")
    assert [json.loads(letter["body"])["data"]["number"] for letter in letters] == [0, 1, 2]
    assert letters[0]["reason"] == "REJECTED"
    assert "order 0 is not known" in space.ask("event", "dead-letters").stdout
    asked = space.ask("event", "discard", letters[0]["id"])
    assert (asked.returncode, "--yes" in asked.stderr) == (2, True)
    assert "Discarded 1 event." in space.ask("event", "discard", letters[0]["id"], "--yes").stderr
    assert "Replayed 1 event." in space.ask("event", "replay", letters[1]["id"]).stderr
    assert "Replayed 1 event." in space.ask("event", "replay", "--all", "-c", "orders_mended").stderr
    assert sorted(_serve(server, "mended", range(0), broken=False, wanted=2)) == [1, 2]
    assert _letters(space, "orders_mended") == []
    again = space.ask("event", "replay", letters[1]["id"])
    assert (again.returncode, f"no dead letter {letters[1]['id']}" in again.stderr) == (1, True)


def test_events_are_followed(space: Workspace, server: NatsServer) -> None:
    """From a while ago, of some subjects, as lines of JSON or as text."""
    _serve(server, "followed", range(100, 103), broken=False, wanted=3)
    done = space.ask("event", "tail", "maestro.orders.>", "--since", "1h", "-n", "2", "--json")
    assert [json.loads(line)["type"] for line in done.stdout.splitlines()] == [PAID.subject] * 2
    text = space.ask("event", "tail", "--since", "1h", "-n", "1").stdout
    assert "orders.order.paid  {" in text


@pytest.mark.parametrize(
    ("arguments", "environ", "told"),
    [
        (("dead-letters",), {"MAESTRO_MESSAGING_URL": ""}, "MAESTRO_MESSAGING_URL"),
        (("dead-letters", "--broker", "memory://"), {}, "stay within one process"),
        (("dead-letters", "--broker", "http://x"), {}, "no address of an event server"),
        (("dead-letters", "--broker-credentials", "none.creds"), {}, "none.creds"),
        (("replay",), {}, "maestro event dead-letters"),
        (("replay", "1", "--all"), {}, "which dead letters"),
        (("replay", "1", "-c", "x"), {}, "--consumer goes with --all"),
        (("tail", "--since", "yesterday"), {}, "how long ago"),
    ],
)
def test_what_cannot_be_done_is_said(
    space: Workspace, arguments: tuple[str, ...], environ: dict[str, str], told: str
) -> None:
    """Before a server is asked; the exit code is that of wrong usage."""
    done = space.ask("event", *arguments, **environ)
    assert (done.returncode, told in done.stderr) == (2, True), done.stderr


def test_a_server_that_is_away_is_named(space: Workspace) -> None:
    """With its address."""
    done = space.ask("event", "dead-letters", "--broker", "nats://127.0.0.1:9")
    assert (done.returncode, "127.0.0.1:9" in done.stderr) == (1, True), done.stderr


def test_an_address_with_a_password_is_not_repeated(space: Workspace) -> None:
    """Whether it is none, or nobody answers there."""
    for url in ("http://me:hush-hush@x", "nats://me:hush-hush@127.0.0.1:9"):
        done = space.ask("event", "dead-letters", "--broker", url)
        assert done.returncode != 0
        assert "hush-hush" not in done.stdout + done.stderr


def test_looking_makes_no_streams(tmp_path: Path) -> None:
    """A server without streams is another one than the services use: that is said, and it stays as it is."""
    workspace = Workspace(tmp_path)
    with NatsServer(tmp_path / "nats") as empty:
        workspace.environ["MAESTRO_MESSAGING_URL"] = empty.url
        for command in (("dead-letters",), ("tail", "-n", "1"), ("replay", "--all")):
            done = workspace.ask("event", *command)
            assert (done.returncode, "no stream MAESTRO" in done.stderr) == (1, True), done.stderr
        assert not list((empty.directory / "streams").rglob("MAESTRO*"))
