"""Asking before something is done."""

import sys

import rich_click as click

from maestro_cli._errors import InputError


def confirm(question: str) -> None:
    """Ask before something is done that cannot be taken back.

    Args:
        question: What is asked.

    Raises:
        InputError: Nobody is there to ask.
        Abort: The answer is no.
    """
    if not sys.stdin.isatty():
        raise InputError(f"{question} There is nobody to ask here.", hint="--yes does it without asking.")
    click.confirm(question, abort=True, err=True)
