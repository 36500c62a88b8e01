"""`maestro workflow validate` and `graph`: documents before they run. They need no environment."""

import json
from pathlib import Path

import rich_click as click

from maestro_cli import render
from maestro_cli._documents import read_bytes
from maestro_cli._errors import InvalidDocumentError
from maestro_cli._output import write_output
from maestro_cli.commands._options import examples, json_option

_FORMATS = ("mermaid", "svg", "json")
_BY_SUFFIX = {".svg": "svg", ".json": "json"}


@click.command("validate", short_help="Check workflow documents.")
@click.argument("paths", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Fail for warnings and for what cannot be run here, too.")
@json_option
@click.pass_context
@examples(
    "maestro workflow validate review.yaml",
    "maestro workflow validate --strict workflows/",
    "curl -s https://example.com/flow.yaml | maestro workflow validate -",
)
def validate_documents(ctx: click.Context, paths: tuple[Path, ...], strict: bool, as_json: bool) -> None:
    """Tell everything that is wrong with Open Workflow documents (DSL 1.0.0 to 1.0.3), without running them.

    Each FILE is YAML or JSON, a folder of such files, or - for standard input. Ends with exit code 1 when a document has a
    fault, and 2 when a file cannot be read.
    """
    from maestro_cli import _checking as checking  # noqa: PLC0415  the other commands of the group do without

    checked, unreadable = checking.check_paths(paths)
    if as_json:
        render.print_json(checking.as_json(checked, unreadable))
    else:
        for document in checked:
            for block in checking.as_text(document):
                click.echo(block)
        for line in unreadable:
            render.err().print(line, markup=False, soft_wrap=True)
        render.err().print(checking.summary(checked), markup=False, soft_wrap=True)
    ctx.exit(checking.exit_code(checked, unreadable, strict=strict))


@click.command("graph", short_help="Draw a workflow document.")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Default: by the suffix of -o, else mermaid.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@examples("maestro workflow graph review.yaml", "maestro workflow graph review.yaml -o review.svg")
def draw_graph(path: Path, form: str | None, output: Path | None) -> None:
    """Draw an Open Workflow document: as Mermaid text, as an SVG picture, or as nodes and edges in JSON.

    FILE is YAML or JSON, or - for standard input. Ends with exit code 1 when the document has a fault.
    """
    from maestro_cli import _checking as checking  # noqa: PLC0415  the other commands of the group do without
    from maestro_workflow_engine.dsl import validate_document  # noqa: PLC0415
    from maestro_workflow_engine.dsl.graph import as_mermaid, as_svg, workflow_graph  # noqa: PLC0415

    name, content = read_bytes(path)
    report = validate_document(content)
    if not report.is_valid:
        raise InvalidDocumentError(name, list(checking.fault_blocks(name, checking.checked_text(content), report)))
    graph = workflow_graph(report.definition)
    form = form or _BY_SUFFIX.get(output.suffix if output else "", "mermaid")
    if form == "json":
        text = json.dumps(graph.as_dict(), ensure_ascii=False, indent=2) + "\n"
    else:
        text = as_svg(graph) if form == "svg" else as_mermaid(graph)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_output(output, text.encode())
