"""What is missing of what the server has handed out, while more of it arrives."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace

from maestro_core_messaging import MessagingSettings
from maestro_core_messaging._nats._arrivals import Arrivals
from maestro_core_messaging._nats._connection import Connection
from maestro_core_messaging._nats._position import Position
from maestro_core_messaging._transport import ConsumerSpec
from maestro_core_messaging.testing import NatsServer, eventually

SPEC = ConsumerSpec("orders_placed", ["maestro.orders.>"], "key", "all", 100, timedelta(seconds=30))


async def test_what_came_after_the_answer_hides_nothing(tmp_path) -> None:
    """Two are handed out, one of them got lost; a third, which the server did not know of yet, is here as well."""
    with NatsServer(tmp_path / "nats") as server:
        async with Connection.opened(MessagingSettings(messaging_url=server.url), "orders") as connection:
            position = Position(connection, SPEC)
            await position.ensure()
            for number in range(2):
                await connection.jetstream.publish("maestro.orders.paid", str(number).encode())
            pulling = await connection.jetstream.pull_subscribe_bind(SPEC.name, "MAESTRO")
            assert len(await pulling.fetch(2)) == 2
            assert await position.missing({2}) == {1}
            assert await position.missing({2, 3}) == {1}
            assert await position.missing({1, 2}) == frozenset()


class _Asked:
    """A position whose answers are given by the test."""

    def __init__(self) -> None:
        self.answers: list[asyncio.Future[frozenset[int]]] = []

    async def missing(self, here) -> frozenset[int]:
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]


def _message(stream: int, consumer: int):
    about = SimpleNamespace(sequence=SimpleNamespace(stream=stream, consumer=consumer), num_delivered=1)
    raw = SimpleNamespace(metadata=about, subject="maestro.orders.paid", data=b"")
    return SimpleNamespace(raw_message=raw, headers={})


async def test_a_gap_that_comes_up_while_the_server_is_asked_is_asked_about_again() -> None:
    """The answer is older than the gap: nothing is handed on before another one says that nothing is missing."""
    position, handed = _Asked(), []

    async def intake(delivery) -> None:
        handed.append(delivery.sequence)

    arrivals = Arrivals(position, ordered=True, is_ours=lambda: True)
    async with arrivals.handed_to(intake):
        await arrivals.take(_message(1, 1))
        await eventually(lambda: len(position.answers) == 1)
        await arrivals.take(_message(3, 3))
        position.answers[0].set_result(frozenset())
        await eventually(lambda: len(position.answers) == 2)
        assert handed == []
        await arrivals.take(_message(2, 4))
        position.answers[1].set_result(frozenset())
        await eventually(lambda: handed == [1, 2, 3])
