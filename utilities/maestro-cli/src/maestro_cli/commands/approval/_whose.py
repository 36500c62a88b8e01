"""Whose approval is meant, where several tenants have one of the same id."""

import rich_click as click

tenant_option = click.option(
    "--tenant",
    help="Whose approval is meant, where several tenants have one of this id; '' for the platform's own.",
)
