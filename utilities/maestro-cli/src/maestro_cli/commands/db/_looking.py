"""`maestro db check` and `history`: what is, without changing anything."""

from dataclasses import asdict

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import EXIT_FAILED
from maestro_cli.commands._options import examples, json_option
from maestro_cli.local import Home
from maestro_core_db import Database, MigrationState

from ._service_database import ServiceDatabase, service_database


@click.command("check", short_help="Tell whether a service's database is sound and up to date.")
@click.argument("service")
@json_option
@click.pass_context
@examples("maestro db check governance-service")
def check_database(ctx: click.Context, service: str, as_json: bool) -> None:
    """Tell whether the database of SERVICE can be reached, is sound, has run all migrations, and is what the models say.

    Ends with exit code 1 when it is not.
    """
    home: Home = ctx.obj
    found = service_database(home, service)
    state = _state(found)
    faults: tuple[str, ...] = ()
    if state.is_current and found.is_there:
        faults = found.use(lambda database: _faults(found, database))
    if as_json:
        render.print_json(
            {
                "database": str(found.options.url),
                "current": state.current,
                "head": state.head,
                "pending": [each.revision for each in state.pending],
                "is_newer": state.is_newer,
                "faults": list(faults),
                "ok": state.is_current and not faults,
            }
        )
    else:
        for line in _lines(found, state, faults):
            click.echo(line)
    ctx.exit(0 if state.is_current and not faults else EXIT_FAILED)


@click.command("history", short_help="List the migrations of a service.")
@click.argument("service")
@json_option
@click.pass_obj
@examples("maestro db history governance-service")
def show_history(home: Home, service: str, as_json: bool) -> None:
    """List the migrations of SERVICE, the first one first, and which of them its database has."""
    found = service_database(home, service)
    pending = {each.revision for each in _state(found).pending}
    rows = [{**asdict(each), "is_applied": each.revision not in pending} for each in found.migrations.history()]
    if as_json:
        render.print_json(rows)
        return
    cells = [(row["revision"], "yes" if row["is_applied"] else "no", row["message"]) for row in rows]
    render.out().print(render.table(("REVISION", "APPLIED", "DOES"), cells))


def _state(found: ServiceDatabase) -> MigrationState:
    if not found.is_there:
        return MigrationState(None, found.migrations.head, found.migrations.history(), is_newer=False)
    return found.use(found.migrations.state)


async def _faults(found: ServiceDatabase, database: Database) -> tuple[str, ...]:
    damage = await database.damage()
    differences = await found.migrations.differences(database)
    return (*damage, *(f"the models want another migration: {each}" for each in differences))


def _lines(found: ServiceDatabase, state: MigrationState, faults: tuple[str, ...]) -> list[str]:
    place = found.options.url
    if not found.is_there:
        return [f"{place} is not there yet; `maestro db upgrade` makes it"]
    if state.is_newer:
        return [
            f"{place} is at {state.current}, of a newer version of the service; the newest known here is {state.head}"
        ]
    if state.pending:
        return [f"{place} lacks:", *(f"  {each.revision}  {each.message}" for each in state.pending)]
    return [f"{place}: {fault}" for fault in faults] or [f"{place} is sound and up to date, at {state.current}"]
