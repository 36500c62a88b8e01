"""`maestro config`: where configuration comes from, what can be set, and what is wrong with it."""

import rich_click as click

from ._checking import check_config
from ._describing import show_reference, show_schema
from ._explaining import explain_config


@click.group(short_help="See where configuration comes from, and check it.")
def config() -> None:
    """See where configuration comes from, what can be set, and what is wrong with it.

    SERVICE is an installed service, or a configuration class as `package.module:Class`. No command shows a secret.
    """


for command in (explain_config, check_config, show_reference, show_schema):
    config.add_command(command)

__all__ = ["config"]
