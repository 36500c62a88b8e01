"""Errors as a person reads them."""

from rich.console import Console
from rich.text import Text

from ._errors import InvalidDocumentError, MaestroCliError, ServiceAnswerError, StartFailedError
from ._log_lines import readable


def show_error(console: Console, error: MaestroCliError) -> None:
    """Show an error.

    Args:
        console: Where.
        error: The error.
    """
    if isinstance(error, InvalidDocumentError):
        for block in error.blocks:
            console.print(block, markup=False)
    console.print(Text.assemble(("Error: ", "bold red"), error.message))
    if isinstance(error, StartFailedError):
        _show_log(console, error)
    if isinstance(error, ServiceAnswerError):
        _show_faults(console, error)
    if error.hint:
        console.print(error.hint, markup=False)


def _show_log(console: Console, error: StartFailedError) -> None:
    if not error.log_tail:
        console.print(f"It has written nothing to {error.log_file}.", markup=False)
        return
    console.print(f"The end of {error.log_file}:", markup=False)
    for line in error.log_tail:
        console.print(Text("  ").append_text(readable(line)))


def _show_faults(console: Console, error: ServiceAnswerError) -> None:
    if error.detail:
        console.print(error.detail, markup=False)
    for path, message in error.faults:
        console.print(Text.assemble("  ", (path, "bold"), ": ", message))
