"""What an `APIClient` does, against a service that runs in this process."""

import asyncio
from datetime import timedelta

from orders_service import create_app

from maestro_core_api import APIClient, CircuitConfig, ClientConfig, RemoteAPIException, RetryConfig, issue_token
from maestro_core_api.testing import running

SECRET = "replace-this-by-at-least-32-bytes"


# region: errors
async def article_of(client: APIClient, number: int) -> str | None:
    """Return the article of an order; None when there is no such order."""
    try:
        return str((await client.get(f"/orders/{number}")).json()["article"])
    except RemoteAPIException as error:
        if error.error_code == "ORDER_NOT_FOUND":
            return None
        raise  # its caller gets a 502 that names the service and carries the trace_id


# endregion: errors


async def take_once(client: APIClient) -> None:
    """Take an order, as often as it takes."""
    # region: once
    await client.post("/orders", params={"article": "lamp"}, headers={"Idempotency-Key": "basket-17"})
    # endregion: once


async def articles(client: APIClient) -> list[str]:
    """Read all pages of the listing."""
    # region: pages
    return [order["article"] async for order in client.pages("/orders", params={"limit": 100})]
    # endregion: pages


async def follow(client: APIClient) -> list[str]:
    """Read a stream, also over connections that break."""
    # region: events
    events = client.stream_events("/events", reconnects=5)
    return [f"{event.id} {event.event} {event.json()['article']}" async for event in events]
    # endregion: events


# region: config
CAREFUL = ClientConfig(
    connect_timeout=timedelta(seconds=1),
    total_timeout=timedelta(seconds=20),
    retry=RetryConfig(first_pause=timedelta(milliseconds=50), budget_share=0.1),
    circuit=CircuitConfig(failure_share=0.3, minimum_calls=20),
    identity="caller",
)
# endregion: config


async def main() -> None:
    """Run all of it."""
    token = issue_token(SECRET, subject="shop", roles=["operator"])
    async with running(create_app(SECRET)) as url, APIClient(url, token=token, config=CAREFUL) as client:
        await take_once(client)
        await client.post("/orders", params={"article": "table"})
        await client.post("/orders", params={"article": "chair"})
        assert await articles(client) == ["lamp", "table", "chair"]
        assert await follow(client) == ["0 taken lamp", "1 taken table", "2 taken chair"]
        assert await article_of(client, 1) == "table"
        assert await article_of(client, 7) is None


if __name__ == "__main__":
    asyncio.run(main())
