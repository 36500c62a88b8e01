"""A test of a service that hears events: no server, no waiting for time."""

from datetime import UTC, datetime

from approval_events import DECIDED, Decided
from publishing_and_hearing import shipped, subscriptions

from maestro_core_messaging import Broker
from maestro_core_messaging.testing import MemoryServer, eventually


# region: test
async def test_what_is_approved_is_shipped() -> None:
    """Two services at one memory server: the one decides, the other ships."""
    memory = MemoryServer()
    async with (
        Broker.opened(memory=memory, service_name="shipping") as shipping,
        Broker.opened(memory=memory, service_name="governance-service") as governance,
    ):
        shipping.include(subscriptions)
        await governance.publish(DECIDED, Decided(approval_id="a-7", decision="approve", decided_at=datetime.now(UTC)))
        await eventually(lambda: "a-7" in shipped)


# endregion: test
