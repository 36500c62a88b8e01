"""`maestro db`: the databases of services."""

import rich_click as click

from ._changing import downgrade_database, upgrade_database
from ._looking import check_database, show_history


@click.group(short_help="Upgrade and check the databases of services.")
def db() -> None:
    """Work on the database of SERVICE, an installed service: the one that its configuration names.

    Several may do so at once, services that start included: one changes the database, the others wait.
    """


for command in (upgrade_database, downgrade_database, check_database, show_history):
    db.add_command(command)

__all__ = ["db"]
