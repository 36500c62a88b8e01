"""Looking at the trail, and taking it along."""

import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import InputError
from maestro_cli.commands._governance_target import GovernanceTarget
from maestro_cli.commands._options import examples, json_option
from maestro_cli.governance import GovernanceClient


@click.command("list", short_help="List entries.")
@click.option("--trace", "trace_id", help="Of this trace.")
@click.option("--actor", help="Of this actor.")
@click.option("--action", help="This action; with * at its end all that begin so.")
@click.option("--resource", help="To this.")
@click.option("--service", help="Told by this service.")
@click.option("--outcome", type=click.Choice(["success", "denied", "failure"]), help="That ended so.")
@click.option("--tenant", help="Of this tenant.")
@click.option("--since", help="Recorded at this time or later (ISO 8601 with a zone).")
@click.option("--until", help="Recorded before this time (ISO 8601 with a zone).")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@json_option
@examples("maestro audit list --actor ada", "maestro audit list --action 'user.*' --since 2026-01-01T00:00:00Z")
@click.pass_obj
def list_entries(target: GovernanceTarget, /, limit: int, as_json: bool, **wanted: Any) -> None:
    """List entries, the newest first."""
    found = target.listed("audit", "entries", limit=limit, **wanted)
    if as_json:
        render.print_json(found)
        return
    rows = [
        (one["position"], one["time"], one["actor"], one["action"], one["resource"], one["outcome"], one["trace_id"])
        for one in found
    ]
    columns = ("ENTRY", "TIME", "ACTOR", "ACTION", "RESOURCE", "OUTCOME", "TRACE")
    render.out().print(render.table(columns, rows, right=("ENTRY",)))


@click.command("export", short_help="Take the trail along.")
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="The file; standard output when absent."
)
@examples("maestro audit export -o audit.jsonl")
@click.pass_obj
def export_trail(target: GovernanceTarget, output: Path | None) -> None:
    """Write the whole trail as lines of JSON, with what vouches for it; `maestro audit verify FILE` verifies it anywhere."""

    async def write(client: GovernanceClient) -> int:
        written = 0
        async with AsyncExitStack() as stack:
            try:
                # Bytes to a local file, a portion at a time: nobody else waits for this program.
                out = sys.stdout.buffer if output is None else stack.enter_context(output.open("wb"))
                async for portion in await stack.enter_async_context(client.read("audit", "export")):
                    out.write(portion)
                    written += len(portion)
            except OSError as error:
                raise InputError(f"cannot write {output}: {error.strerror}") from error
        return written

    written = target.call(write)
    if output is not None:
        render.err().print(f"Wrote {written} bytes to {output}.", markup=False, soft_wrap=True)
