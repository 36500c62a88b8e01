"""The command group: loads a command when it is called, and shows errors to people."""

import importlib
from typing import Any, Final

import rich_click as click
from rich.console import Console

from ._errors import EXIT_INTERRUPTED, MaestroCliError
from ._show_error import show_error

# Importing a command costs what it stands on, so each is imported when it is wanted.
COMMANDS: Final = {
    "up": "up",
    "down": "down",
    "status": "status",
    "logs": "logs",
    "trace": "trace",
    "deploy": "deploy",
    "demo": "demo",
    "workflow": "workflow",
    "schedule": "schedule",
    "queue": "queue",
    "event": "event",
    "policy": "policy",
    "approval": "approval",
    "scorecard": "scorecard",
    "service": "service",
    "catalog": "catalog",
    "trigger": "trigger",
    "journal": "journal",
    "engine": "engine",
    "gateway": "gateway",
    "config": "config",
    "db": "db",
    "monitoring": "monitoring",
    "token": "token",
    "login": "login",
    "logout": "login",
    "whoami": "login",
    "user": "user",
    "api-key": "api_key",
    "audit": "audit",
}


class MaestroGroup(click.RichGroup):
    """The group of all commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands, in the order in which they are met."""
        return [*COMMANDS, *(name for name in super().list_commands(ctx) if name not in COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Find a command; its module holds it under its own name."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(
            importlib.import_module(f"maestro_cli.commands.{module}"), cmd_name.replace("-", "_")
        )
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; foreseen errors become a few lines on stderr and an exit code."""
        console = Console(stderr=True, soft_wrap=True, highlight=False)
        try:
            return super().invoke(ctx)
        except MaestroCliError as error:
            show_error(console, error)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            console.print("Interrupted.")
            ctx.exit(EXIT_INTERRUPTED)
