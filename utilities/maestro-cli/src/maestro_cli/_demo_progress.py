"""How far a dependency review is, read from its run's events."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

_REVIEWED: Final = frozenset({"child_completed", "child_failed", "child_cancelled"})
_REVIEW: Final = "examples/license-review"
_LINES: Final = 10


class ReviewProgress:
    """Shows a bar on a terminal, and a line now and then elsewhere.

    Args:
        console: Where.
        limit: How many reviews there are at most; None for one per distribution.
    """

    def __init__(self, console: Console, limit: int | None = None) -> None:
        self._console = console
        self._limit = limit
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("Taking inventory", total=None)
        self._total: int | None = None
        self._done = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Count an event.

        Args:
            event: One of the run's events.
        """
        kind = event.get("type")
        if kind in _REVIEWED and event.get("workflow") == _REVIEW:
            self._done += 1
            self._bar.update(self._task, completed=self._done)
            self._tell()
        elif kind == "step_completed" and self._total is None:
            size = _inventory_size(event)
            if size is not None:
                self._total = size if self._limit is None else min(size, self._limit)
                self._bar.update(self._task, description="Reviewing licences", total=self._total)
                self._line(f"{self._total} distributions to review")

    def _tell(self) -> None:
        if self._total is None:
            return
        step = max(1, self._total // _LINES)
        if self._done % step == 0 or self._done == self._total:
            self._line(f"{self._done} of {self._total} reviewed")

    def _line(self, text: str) -> None:
        if not self._console.is_terminal:
            self._console.print(text)


def _inventory_size(event: Mapping[str, Any]) -> int | None:
    """Read the number of reviews to come from the inventory's result."""
    output = event.get("output")
    distributions = output.get("distributions") if isinstance(output, Mapping) else None
    return len(distributions) if isinstance(distributions, list) else None
