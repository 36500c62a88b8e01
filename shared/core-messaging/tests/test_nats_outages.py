"""What happens when the server dies, stands still, was never there, or is not what it should be."""

import asyncio
import gc
import sys
from collections import Counter, defaultdict
from datetime import timedelta

import pytest
from faststream.nats.subscriber.usecases import PullStreamSubscriber
from pydantic import BaseModel

from maestro_core_messaging import (
    Broker,
    BrokerRefusedError,
    BrokerUnavailableError,
    EventTooLargeError,
    EventType,
    InvalidEventError,
    JetStreamUnavailableError,
    MessagingSettings,
    RedeliveryPolicy,
    write_event,
)
from maestro_core_messaging.testing import NatsServer, eventually
from maestro_core_monitoring import HealthCheckError


class Paid(BaseModel):
    key: str
    number: int


PAID = EventType("orders.order.paid", 1, Paid)
FAST = RedeliveryPolicy(max_deliveries=100, initial_delay=timedelta(milliseconds=10), max_delay=timedelta(seconds=1))
SOON = timedelta(seconds=60)


@pytest.fixture
def server(tmp_path):
    with NatsServer(tmp_path / "nats") as server:
        yield server


def settings(server, **options):
    return MessagingSettings(messaging_url=server.url, messaging_publish_timeout_s=60, **options)


async def test_a_server_killed_under_load_loses_and_doubles_nothing(server) -> None:
    """Killed and started three times while events are published and handled: each has one effect, in the order of its key."""
    effects, acknowledged = defaultdict(list), []
    keys, each = 8, 60

    async with Broker.opened(settings(server), service_name="orders") as broker:

        @broker.subscriber(PAID, durable="effects", redelivery=FAST)
        async def effect(event):
            await asyncio.sleep(0.001)
            effects[event.data.key].append(event.data.number)

        async def publish(key):
            for number in range(each):
                await broker.publish(PAID, Paid(key=key, number=number), key=key)
                acknowledged.append((key, number))
                await asyncio.sleep(0.005)

        publishing = [asyncio.create_task(publish(f"k{number}")) for number in range(keys)]
        for kill in (1, 2, 3):
            await eventually(lambda kill=kill: len(acknowledged) >= kill * 100, within=SOON)
            server.kill()
            server.start()
        await asyncio.wait_for(asyncio.gather(*publishing), 60)
        await eventually(lambda: sum(map(len, effects.values())) >= keys * each, within=SOON)
    assert len(acknowledged) == keys * each
    assert dict(effects) == {f"k{number}": list(range(each)) for number in range(keys)}


CONSUMER = """
import asyncio, sys
from maestro_core_messaging import Broker, EventType, MessagingSettings
from pydantic import BaseModel

class Paid(BaseModel):
    key: str
    number: int

PAID = EventType("orders.order.paid", 1, Paid)

async def main():
    async with Broker.opened(sys.argv[1], service_name="orders") as broker:
        @broker.subscriber(PAID, durable="effects")
        async def effect(event):
            print(event.data.key, event.data.number, flush=True)
            if event.data.number == 5:
                await asyncio.Event().wait()
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_an_instance_killed_at_work_is_followed_by_another_in_order(server) -> None:
    """What it had and had not answered comes to the next instance, before what is behind it in its key."""
    dying = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CONSUMER, server.url, stdout=asyncio.subprocess.PIPE
    )
    async with Broker.opened(settings(server), service_name="orders") as broker:
        for number in range(10):
            await broker.publish(PAID, Paid(key="k", number=number), key="k")
        heard = [await dying.stdout.readline() for _ in range(6)]
        dying.kill()
        await dying.wait()
        assert heard[-1] == b"k 5\n"
        for number in range(10, 15):
            await broker.publish(PAID, Paid(key="k", number=number), key="k")
        seen = []

        @broker.subscriber(PAID, durable="effects")
        async def effect(event):
            seen.append(event.data.number)

        await eventually(lambda: 14 in seen, within=SOON)
    # Its last answers may not have reached the server: those events come again, in order, too.
    assert seen[-10:] == list(range(5, 15))
    assert seen == sorted(seen)


async def test_a_server_that_stands_still_is_waited_for(server) -> None:
    """Publishing goes on when it answers again; the event is there once."""
    seen = []
    async with Broker.opened(settings(server), service_name="orders") as broker:

        @broker.subscriber(PAID, durable="effects", redelivery=FAST)
        async def effect(event):
            seen.append(event.data.number)

        await broker.publish(PAID, Paid(key="k", number=0))
        server.pause()
        publishing = asyncio.create_task(broker.publish(PAID, Paid(key="k", number=1)))
        done, _ = await asyncio.wait([publishing], timeout=3)
        assert not done
        server.resume()
        await publishing
        await broker.publish(PAID, Paid(key="k", number=2))
        await eventually(lambda: 2 in seen, within=SOON)
    assert Counter(seen) == Counter([0, 1, 2])


async def test_publishing_to_a_dead_server_gives_up_with_a_clear_error(server) -> None:
    """The error names the server and says what to do; readiness tells it, too."""
    options = MessagingSettings(messaging_url=server.url, messaging_publish_timeout_s=0.5)
    async with Broker.opened(options, service_name="orders") as broker:
        await broker.check()
        server.kill()
        with pytest.raises(BrokerUnavailableError, match=r"publish it again|does not answer") as caught:
            await broker.publish(PAID, Paid(key="k", number=0))
        with pytest.raises(HealthCheckError, match="BROKER_UNAVAILABLE"):
            await broker.check()
        server.start()
    assert caught.value.server == server.url


async def test_a_server_that_is_not_there_is_named(server) -> None:
    """Opening waits no longer than it is allowed to; credentials in the address are not shown."""
    server.kill()
    url = f"nats://user:secret@127.0.0.1:{server.port}"
    options = MessagingSettings(messaging_url=url, messaging_connect_timeout_s=0.5)
    with pytest.raises(BrokerUnavailableError, match=f"127.0.0.1:{server.port} does not answer") as caught:
        async with Broker.opened(options, service_name="orders"):
            raise AssertionError
    assert "secret" not in str(caught.value)


async def test_a_server_without_jetstream_is_told_from_one_that_is_away(tmp_path) -> None:
    """The error says how to start it."""
    with NatsServer(tmp_path / "nats", jetstream=False) as server:
        options = MessagingSettings(messaging_url=server.url, messaging_connect_timeout_s=2)
        with pytest.raises(JetStreamUnavailableError, match="nats-server --jetstream"):
            async with Broker.opened(options, service_name="orders"):
                raise AssertionError


# The client of NATS leaves the socket of a connection that is refused to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_wrong_credentials_are_refused_at_once(tmp_path) -> None:
    """The error names the settings, and not the password; with the right ones it opens."""
    with NatsServer(tmp_path / "nats", options=("--user", "maestro", "--pass", "right")) as server:
        async with Broker.opened(server.url.replace("//", "//maestro:right@"), service_name="orders") as broker:
            await broker.check()
            assert broker.server == server.url
        told = await _refusal(server.url.replace("//", "//maestro:wrong@"))
        gc.collect()
    assert "MAESTRO_MESSAGING_URL" in told
    assert "wrong" not in told


async def _refusal(url) -> str:
    try:
        async with Broker.opened(url, service_name="orders"):
            raise AssertionError
    except BrokerRefusedError as error:
        return str(error)


async def test_an_event_that_is_too_large_is_refused_before_it_is_sent(server) -> None:
    """The error tells its size and the limit."""
    async with Broker.opened(settings(server), service_name="orders") as broker:
        with pytest.raises(EventTooLargeError, match="keep large things elsewhere") as caught:
            await broker.publish(PAID, Paid(key="x" * 2_000_000, number=0))
    assert caught.value.limit_bytes == 1_048_576


async def test_a_consumer_that_starts_while_the_server_is_away_begins_when_it_is_back(server) -> None:
    """`subscribed` waits for that; readiness is not given meanwhile."""
    seen = []
    async with Broker.opened(settings(server), service_name="orders") as broker:
        server.kill()

        @broker.subscriber(PAID, durable="late")
        async def late(event):
            seen.append(event.data.number)

        waiting = asyncio.create_task(broker.subscribed())
        done, _ = await asyncio.wait([waiting], timeout=0.5)
        assert not done
        server.start()
        await asyncio.wait_for(waiting, 60)
        await broker.publish(PAID, Paid(key="k", number=1))
        await eventually(lambda: seen == [1], within=SOON)
        await eventually(lambda: _ready(broker))


async def _ready(broker) -> bool:
    try:
        await broker.check()
    except HealthCheckError:
        return False
    return True


async def test_headers_count_towards_the_size_of_an_event(server) -> None:
    """Ids are headers: with them an event may be larger than the server takes, which would close the connection for good."""
    async with Broker.opened(settings(server), service_name="orders") as broker:
        with pytest.raises(EventTooLargeError):
            await broker.publish(PAID, Paid(key="k", number=0), event_id="x" * 530_000)
        with pytest.raises(InvalidEventError, match="1024"):
            await broker.publish_raw(
                write_event(broker.event(PAID, Paid(key="k", number=0))), f"maestro.orders.{'x' * 2_000}"
            )
        await broker.publish(PAID, Paid(key="k", number=1))
        await broker.check()


async def test_the_largest_event_with_the_longest_names_can_be_buried(server) -> None:
    """What it is called is cut in its dead letter, and its body is whole; replayed, it fits again."""
    broken, seen = [True], []
    async with Broker.opened(settings(server), service_name="orders") as broker:

        @broker.subscriber(PAID, durable="buries", redelivery=RedeliveryPolicy(max_deliveries=1))
        async def buries(event):
            if broken[0]:
                raise LookupError("ö" * 5_000)
            seen.append(event.key)

        key, event_id = "ä" * 20_000, "i" * 5_000
        empty = len(write_event(broker.event(PAID, Paid(key="", number=1), key=key, event_id=event_id)))
        # Room for microseconds that happen to be zero, and for a trace.
        filling = 1_048_576 - 8_192 - empty - 200
        await broker.publish(PAID, Paid(key="x" * filling, number=1), key=key, event_id=event_id)
        (letter,) = await eventually(broker.dead_letters.list, within=SOON)
        assert (letter.key[:50], letter.event_id[:500]) == ("ä" * 50, "i" * 500)
        assert "LookupError: öööö" in letter.detail
        assert len(letter.body) > 1_040_000
        broken[0] = False
        await broker.dead_letters.replay(letter.id)
        await eventually(lambda: seen == [key], within=SOON)


async def test_an_event_that_leaves_no_room_is_buried_without_its_body(server) -> None:
    """Somebody else's event may be as large as the server takes: its letter tells where it is, and the next one comes."""
    seen = []
    async with Broker.opened(settings(server), service_name="orders") as broker:

        @broker.subscriber(PAID, durable="full")
        async def full(event):
            seen.append(event.data.number)

        await broker._transport._connection.jetstream.publish(PAID.subject, b"x" * 1_048_576)
        await broker.publish(PAID, Paid(key="k", number=1), key="k")
        await eventually(lambda: seen == [1], within=SOON)
        (letter,) = await eventually(broker.dead_letters.list, within=SOON)
    assert (letter.body, letter.reason) == (b"", "UNREADABLE_EVENT")
    assert f"number {letter.sequence} of the stream MAESTRO" in letter.detail


@pytest.mark.parametrize("ordering", ["key", "none"])
async def test_a_connection_that_is_gone_for_good_is_told(server, ordering, monkeypatch) -> None:
    """The server refuses what no check has seen; whoever waits for `lost` is told, readiness is gone, and closing works."""
    seen = []
    async with Broker.opened(settings(server), service_name="orders") as broker:

        @broker.subscriber(PAID, durable=f"gone-{ordering}", ordering=ordering)
        async def gone(event):
            seen.append(event.data.number)

        await broker.subscribed()
        losing = asyncio.create_task(broker.lost())
        server.kill()
        server.start()
        await eventually(lambda: _ready(broker), within=SOON)
        assert not losing.done()
        await broker.publish(PAID, Paid(key="k", number=1), key="k")
        await eventually(lambda: seen == [1], within=SOON)
        client = broker._transport._connection.client
        client._max_payload = 10_000_000
        get_one, asked = PullStreamSubscriber.get_one, []

        async def counted(self, **options):
            if client.is_closed:
                asked.append(self)
                assert len(asked) < 100
            return await get_one(self, **options)

        monkeypatch.setattr(PullStreamSubscriber, "get_one", counted)
        await client.publish("maestro-nobody", b"x" * 2_000_000)
        with pytest.raises(BrokerUnavailableError, match="closed for good"):
            await asyncio.wait_for(losing, 60)
        await eventually(lambda: broker._consuming[f"orders_gone-{ordering}"].problem, within=SOON)
        with pytest.raises(HealthCheckError, match="BROKER_UNAVAILABLE"):
            await broker.check()
        # FastStream answers at once then: one that went on asking would let nothing else have a turn.
        assert not asked
