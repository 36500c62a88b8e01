"""Showing how an environment starts and what becomes of its services."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from .local import EnvironmentPhase, EnvironmentState, changes
from .render import duration, since, state, table


class EnvironmentWatch:
    """Shows an environment's states as they come: a live table on a terminal until it runs, lines otherwise.

    Args:
        console: Where.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: EnvironmentState | None = None
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end_live()

    def __call__(self, now: EnvironmentState) -> None:
        """Show a state.

        Args:
            now: The latest state.
        """
        before, self._seen = self._seen, now
        starting = now.phase is EnvironmentPhase.STARTING
        if self._console.is_terminal and starting:
            self._show_live(now)
            return
        if self._live is not None:
            self._live.update(services_table(now))
            self._end_live()
            if now.phase is EnvironmentPhase.RUNNING:
                return
        for change in changes(before, now):
            mark = ("! ", "bold yellow") if change.bad else ("", "")
            self._console.print(Text.assemble(mark, (change.service, "bold"), " ", change.text), soft_wrap=True)

    def _show_live(self, now: EnvironmentState) -> None:
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=True, refresh_per_second=8)
            self._live.start()
        self._live.update(services_table(now))

    def _end_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def services_table(now: EnvironmentState) -> Table:
    """Lay out where the services stand.

    Args:
        now: The environment.

    Returns:
        The table, to be printed.
    """
    rows = [
        (service.name, state(service.phase.value), service.pid, service.url, duration(since(service.started_at)))
        for service in now.services
    ]
    return table(("SERVICE", "STATE", "PID", "URL", "SINCE"), rows, right=("PID", "SINCE"))
