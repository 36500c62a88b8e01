"""Asking for a password."""

import sys

import rich_click as click

from maestro_cli._errors import InputError

password_option = click.option(
    "from_stdin",
    "--password-stdin",
    is_flag=True,
    help="Read the password from standard input, and not from the terminal.",
)


def ask_password(*, from_stdin: bool, prompt: str = "Password", confirmed: bool = False) -> str:
    """Ask for a password; there is no option for it, because options are seen by others on the machine.

    Args:
        from_stdin: Whether it comes from standard input, its first line.
        prompt: What is asked.
        confirmed: Whether it is asked for twice.

    Returns:
        The password.

    Raises:
        InputError: Nobody is there to ask, or there is none.
    """
    if from_stdin:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise InputError("there is no password on standard input")
        return line
    if not sys.stdin.isatty():
        raise InputError(
            "nobody is there to ask for the password", hint="--password-stdin reads it from standard input."
        )
    answer: str = click.prompt(prompt, hide_input=True, confirmation_prompt=confirmed, err=True)
    return answer
