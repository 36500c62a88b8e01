"""Showing how a run goes on, and what came of it."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from rich.console import Console

from ._errors import RunNotCompletedError
from .client import OrchestratorClient

Event = Mapping[str, Any]


async def follow_run(
    client: OrchestratorClient, run_id: str, show: Callable[[Event], None] = lambda _: None
) -> Mapping[str, Any]:
    """Follow a run to its end.

    Args:
        client: The orchestrator.
        run_id: The run.
        show: Called with each event.

    Returns:
        The run, completed.

    Raises:
        RunNotCompletedError: It failed or was cancelled.
    """
    events: AsyncIterator[Event] = client.follow(run_id)
    async for event in events:
        show(event)
    run = await client.run(run_id)
    if run["status"] != "completed":
        raise RunNotCompletedError(run_id, run["status"], error_text(run.get("error")))
    return run


class StatusLine:
    """Shows the latest event of a run in one line that moves, on a terminal only.

    Args:
        console: Where.
        title: What is followed.
    """

    def __init__(self, console: Console, title: str) -> None:
        self._status = console.status(title)
        self._title = title
        self._count = 0

    def __enter__(self) -> "StatusLine":
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def __call__(self, event: Event) -> None:
        """Show an event.

        Args:
            event: The event.
        """
        self._count += 1
        self._status.update(f"{self._title}: {event_text(event)} ({self._count} events)")


def event_text(event: Event) -> str:
    """Put an event into a few words.

    Args:
        event: The event.

    Returns:
        For example `step completed charge`.
    """
    kind = str(event.get("type", "event")).replace("_", " ")
    subject = event.get("step") or event.get("workflow") or event.get("name") or ""
    return f"{kind} {subject}".rstrip()


def error_text(error: Any) -> str | None:
    """Put a run's error into one line.

    Args:
        error: What the orchestrator says: text, or an object with type and message or title and detail.

    Returns:
        The line; None when there is no error.
    """
    if not error:
        return None
    if not isinstance(error, Mapping):
        return str(error)
    parts = [error.get("type") or error.get("title"), error.get("message") or error.get("detail")]
    return ": ".join(str(part) for part in parts if part) or str(error)
