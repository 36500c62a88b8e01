"""A journal file on the command line, with a word for those whose runs are on a cluster."""

from pathlib import Path
from typing import Any, Final

import rich_click as click

from maestro_cli._errors import InputError
from maestro_cli.local import ORCHESTRATOR, Home, config_points, env_file, explained_environment, own_environment

from ._options import config_folder

_CLUSTER: Final = "temporal:"
_INSTEAD: Final = "`maestro workflow list`, `show` and `export` work there; its database is its administrator's."


class JournalFile(click.Path):
    """An existing file; what is said when there is none depends on where the environment keeps its runs."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it.

        Raises:
            InputError: It names a cluster, or there is no such file and runs are on a cluster.
        """
        if str(value).startswith(_CLUSTER):
            raise InputError(f"{value} is a Temporal cluster, which has no journal file", hint=_INSTEAD)
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            url = None if ctx is None else _engine_url(ctx.find_object(Home))
            if url is not None and url.startswith(_CLUSTER):
                raise InputError(
                    f"there is no journal {value}: the runs of this environment are on {url}", hint=_INSTEAD
                ) from None
            raise


def _engine_url(home: Home | None) -> str | None:
    """Find out where the orchestrator of an environment keeps its runs; None when that is not said."""
    point = config_points().get(ORCHESTRATOR)
    if home is None or point is None:
        return None
    from maestro_core_config import ConfigError, ConfigManager  # noqa: PLC0415  wanted by those who err only

    folder = config_folder()
    environ = explained_environment(home, ORCHESTRATOR, own_environment(), folder)
    try:
        return getattr(
            ConfigManager(point.load(), environ=environ, env_file=env_file(environ)).load(), "engine_url", None
        )
    except ConfigError:
        return None
