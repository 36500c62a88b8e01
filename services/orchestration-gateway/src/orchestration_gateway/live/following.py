"""What a client is sent, over SSE and WebSocket alike: events, beats, and why it ended."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

from maestro_core_api import APIException, Principal

from .access import is_away, require_visible
from .beats import with_beats
from .feed import FeedEvent, LaggedError

_PAUSE_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Ended:
    """Why nothing more comes."""

    reason: Literal["complete", "lagged", "reset", "error"]
    """`lagged`: the client was too slow, and resumes from where it is. `reset`: what it lacks is no longer kept, and it has to
    begin anew. `error`: see the detail."""
    detail: str = ""


async def run_portions(
    run_id: str, *, after: int, caller: Principal, is_checked: bool, state: Any
) -> AsyncGenerator[list[FeedEvent] | Ended | None]:
    """Follow a run for a client.

    Args:
        run_id: The run.
        after: Only what is behind this position; -1 for all.
        caller: Who follows.
        is_checked: Whether it is known that the caller may; else that is found out first, however long the orchestrator is away.
        state: What the lifespan has opened.

    Yields:
        Events, None for a beat, and at last why it ended.
    """
    try:
        while not is_checked:
            try:
                await require_visible(run_id, caller, state)
                is_checked = True
            except APIException as error:
                if not is_away(error):
                    raise
                yield None
                await asyncio.sleep(_PAUSE_S)
        async for portion in _beating(state.hub.events(run_id, after=after), state):
            yield portion
        yield Ended("complete")
    except LaggedError as error:
        yield Ended("lagged", str(error))
    except APIException as error:
        yield Ended("error", f"{error.error_code}: {error}")


async def all_portions(
    *, after: int | None, tenant: str | None, state: Any
) -> AsyncGenerator[list[FeedEvent] | Ended | None]:
    """Follow the changes of all runs for a client.

    Args:
        after: Only what is behind this position; None for what comes from now on.
        tenant: Only this tenant's; None for everybody's.
        state: What the lifespan has opened.

    Yields:
        Events, None for a beat, and at last why it ended.
    """
    place = after

    async def own() -> AsyncGenerator[list[FeedEvent]]:
        nonlocal place
        changes = state.changes.events(after=after)
        try:
            async for portion in changes:
                place = portion[-1].position
                if found := [event for event in portion if tenant is None or event.tenant == tenant]:
                    yield found
        finally:
            await changes.aclose()

    try:
        # Beats are counted from what this client was sent: those of others would tell it when something happens to them, and
        # keep it without a word for as long as that is often enough.
        async for portion in _beating(own(), state):
            yield portion
    except LaggedError as error:
        # A client that came with a place from long ago cannot resume; one that was just too slow can, from the database.
        yield Ended("reset" if place == after else "lagged", str(error))


def _beating(portions: AsyncIterator[list[FeedEvent]], state: Any) -> AsyncGenerator[list[FeedEvent] | None]:
    return with_beats(portions, timedelta(seconds=state.config.stream_heartbeat_s))
