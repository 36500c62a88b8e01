"""Where the services of a local environment keep what they know."""

from collections.abc import Mapping
from enum import StrEnum

from maestro_cli._errors import DatabaseDiffersError, InputError

from ._env_file import is_said
from ._home import Home
from ._postgres import DATABASE_VARIABLE, POSTGRES
from ._state import EnvironmentState, load_state


class DatabaseKind(StrEnum):
    """What databases are kept on."""

    SQLITE = "sqlite"
    """Where each service's own setting `database_url` says; by default in a SQLite file."""
    POSTGRES = "postgres"
    """On a PostgreSQL server that runs as a part of the environment."""


def database_of(state: EnvironmentState) -> DatabaseKind:
    """Tell what an environment's databases are kept on.

    Args:
        state: What is known about it.
    """
    return DatabaseKind.SQLITE if state.service(POSTGRES) is None else DatabaseKind.POSTGRES


def check_same_database(home: Home, wanted: DatabaseKind | None) -> None:
    """See that an environment that runs already is the one that was asked for.

    Args:
        home: The environment's folder.
        wanted: What was asked for; None for whatever it is.

    Raises:
        DatabaseDiffersError: It runs on the other one.
    """
    state = load_state(home)
    if wanted is None or state is None:
        return
    running = database_of(state)
    if running is not wanted:
        raise DatabaseDiffersError(home.root, running, wanted)


def check_database_unset(environ: Mapping[str, str]) -> None:
    """See that nobody has said otherwise where databases are.

    Args:
        environ: The user's environment.

    Raises:
        InputError: A variable, there or in the `.env` file, says otherwise.
    """
    for variable in (DATABASE_VARIABLE, f"{DATABASE_VARIABLE}_FILE"):
        if is_said(environ, variable):
            raise InputError(
                f"{variable} says where databases are, and so does --database postgres, which starts a server for them",
                hint="Leave one of them out.",
            )
