"""`maestro workflow lint`: the engine's check for code that would not do the same in every replay."""

from pathlib import Path

import rich_click as click

from maestro_cli import render

from ._options import json_option


@click.command("lint", short_help="Check workflow code for determinism.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@json_option
@click.pass_context
def lint_workflows(ctx: click.Context, paths: tuple[Path, ...], as_json: bool) -> None:
    """Name the lines of workflow code that would not do the same in every replay.

    Each PATH is a Python file or a folder of them; nothing is run. Ends with exit code 1 when there are findings and 2 when a
    file cannot be read. A comment `# deterministic: <reason>` on a line silences it.
    """
    from maestro_workflow_engine import lint  # noqa: PLC0415  the other commands of the group do without the engine

    report = lint.lint_paths(paths)
    if as_json:
        render.print_json(lint.as_json(report))
    else:
        click.echo(lint.as_text(report), nl=False)
        for error in report.unreadable:
            render.err().print(str(error), markup=False, soft_wrap=True)
        render.err().print(lint.summary(report), markup=False, soft_wrap=True)
    ctx.exit(lint.exit_code(report))
