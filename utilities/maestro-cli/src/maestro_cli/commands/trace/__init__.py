"""`maestro trace`: everything that carries one id."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import rich_click as click
from rich.text import Text

from maestro_cli import render
from maestro_cli._errors import MaestroCliError
from maestro_cli.commands._options import examples, json_option
from maestro_cli.local import Home

from ._entries import Entry, as_tree, in_order_of_time
from ._gathering import gather, trace_id_of

_STYLES: Final = {
    "gateway": "magenta",
    "request": "green",
    "call": "cyan",
    "step": "bold",
    "model": "blue",
    "event": "yellow",
    "audit": "bold magenta",
    "log": "dim",
}
_QUIET: Final = frozenset({"level", "request_id", "principal", "trace_id", "span_id", "duration_ms"})


@click.command(short_help="Show everything that carries one trace id.")
@click.argument("trace", metavar="TRACE|RUN")
@click.option(
    "--kind", "-k", "kinds", multiple=True, help="Only this kind of entry (step, log, audit …); may be repeated."
)
@json_option
@examples(
    "maestro trace 10dce409e1c6b4c601171f9019a41d15",
    "maestro trace demo-20261126-065250 --kind step --kind model",
    "maestro trace 10dce409e1c6b4c601171f9019a41d15 --json | jq '.entries[] | select(.failed)'",
)
@click.pass_obj
def trace(home: Home, trace: str, kinds: tuple[str, ...], as_json: bool) -> None:
    """Show everything that carries the id of TRACE, or of the trace that a RUN was started in.

    Requests at the gateway and in services, steps, calls of models, events, audit entries and log lines stand below what
    they are a part of, with times from the beginning. Spans arrive some seconds after they have ended.
    """
    trace_id, entries, missing = asyncio.run(_ask(home, trace))
    if kinds:
        entries = [entry for entry in entries if entry.kind in kinds]
    if as_json:
        ordered = in_order_of_time(entries)
        render.print_json({"trace_id": trace_id, "missing": missing, "entries": [entry.as_json() for entry in ordered]})
    elif entries:
        _show(trace_id, entries)
    for reason in missing:
        render.err().print(f"Not complete: {reason}.", markup=False, soft_wrap=True)
    if not entries:
        raise MaestroCliError(
            f"nothing carries {trace_id}" + (f" and is one of {', '.join(kinds)}" if kinds else ""),
            hint="Spans arrive some seconds after they have ended, and leave the store after a week.",
        )


async def _ask(home: Home, given: str) -> tuple[str, list[Entry], list[str]]:
    trace_id = await trace_id_of(home, given)
    entries, missing = await gather(home, trace_id)
    return trace_id, entries, missing


def _show(trace_id: str, entries: Sequence[Entry]) -> None:
    console = render.out()
    ordered = in_order_of_time(entries)
    start = ordered[0].time
    end = max(entry.time + timedelta(milliseconds=entry.duration_ms or 0) for entry in ordered)
    kinds = Counter(entry.kind for entry in ordered)
    failed = sum(entry.failed for entry in ordered)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda item: -item[1]))
    console.print(
        f"trace {trace_id}: {render.duration(end - start)}, {len({entry.service for entry in ordered})} services, "
        f"{counts}, {failed} failed",
        markup=False,
        soft_wrap=True,
    )
    width = max(len(entry.service) for entry in ordered)
    for depth, entry in as_tree(ordered):
        line = Text()
        line.append(f"{(entry.time - start) / timedelta(milliseconds=1):>10.1f} ms ", style="dim")
        line.append(f"{entry.kind:<8}", style=_STYLES.get(entry.kind, ""))
        line.append(f"{entry.service:<{width}}  ")
        line.append("  " * depth + entry.what, style="red" if entry.failed else "")
        if entry.duration_ms is not None:
            line.append(f"  {entry.duration_ms:g} ms", style="dim")
        elif told := _told(entry.details):
            line.append(f"  {told}", style="dim")
        console.print(line, soft_wrap=True)


def _told(details: Any) -> str:
    return " ".join(
        f"{name}={value}"
        for name, value in details.items()
        if name not in _QUIET and isinstance(value, str | int | float)
    )
