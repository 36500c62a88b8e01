"""Calls to the orchestration gateway about triggers and their deliveries."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from maestro_core_api import APIClient

JSON = Any
"""Any JSON value."""
_PAGE: Final = 200


class TriggerClient:
    """What can be done with triggers.

    Args:
        client: An open client whose base URL is the gateway's.
    """

    def __init__(self, client: APIClient) -> None:
        self._client = client

    async def triggers(self) -> list[Mapping[str, JSON]]:
        """List the triggers, by name."""
        found: list[Mapping[str, JSON]] = (await self._client.get("/triggers")).json()["triggers"]
        return found

    async def trigger(self, name: str) -> Mapping[str, JSON]:
        """Fetch a trigger."""
        found: Mapping[str, JSON] = (await self._client.get(_trigger(name))).json()
        return found

    async def apply(self, name: str, declaration: Mapping[str, JSON]) -> tuple[Mapping[str, JSON], bool]:
        """Declare a trigger.

        Args:
            name: Its name.
            declaration: What it is to be.

        Returns:
            The trigger, with `new_secret` when a key was made for it, and whether it is new.
        """
        answer = await self._client.put(_trigger(name), json=dict(declaration))
        return answer.json(), answer.status_code == 201

    async def delete(self, name: str) -> None:
        """Forget a trigger."""
        await self._client.delete(_trigger(name))

    async def deliveries(self, trigger: str | None, status: str | None, limit: int) -> list[Mapping[str, JSON]]:
        """List deliveries, newest first.

        Args:
            trigger: Only those of this trigger.
            status: Only those that stand here.
            limit: How many at most.
        """
        given = {"trigger": trigger, "status": status, "limit": min(limit, _PAGE)}
        params = {name: value for name, value in given.items() if value is not None}
        found: list[Mapping[str, JSON]] = []
        async for delivery in self._client.pages("/deliveries", items="deliveries", params=params):
            found.append(delivery)
            if len(found) == limit:
                break
        return found

    async def replay(self, delivery_id: str, *, anew: bool) -> Mapping[str, JSON]:
        """Replay a delivery.

        Args:
            delivery_id: Its id.
            anew: Start another run, also when one was started already.
        """
        path = f"/deliveries/{quote(delivery_id, safe='')}/replay"
        done: Mapping[str, JSON] = (await self._client.post(path, params={"anew": str(anew).lower()})).json()
        return done

    async def replay_dead(self, name: str) -> Mapping[str, JSON]:
        """Replay the dead deliveries of a trigger: `{replayed, failed}`."""
        done: Mapping[str, JSON] = (await self._client.post(f"{_trigger(name)}/replay")).json()
        return done


def _trigger(name: str) -> str:
    return f"/triggers/{quote(name, safe='')}"
