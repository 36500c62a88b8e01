"""The database of a service, and its migrations."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Final, TypeVar

from maestro_cli._errors import DatabaseCommandError, InputError, UnknownServiceError
from maestro_cli.commands.config._configured import configured
from maestro_cli.local import Home
from maestro_core_config import ConfigError
from maestro_core_db import Database, DatabaseError, DatabaseOptions, DatabaseSettings, Migrations

_GROUP: Final = "maestro.migrations"
T = TypeVar("T")


@dataclass(frozen=True)
class ServiceDatabase:
    """Where a service's database is, and what makes its tables."""

    options: DatabaseOptions
    migrations: Migrations

    @property
    def is_there(self) -> bool:
        """Whether there is anything to look at; a server is asked when it is looked at."""
        return self.options.url.kind != "sqlite" or self.options.url.path.exists()

    def use(self, work: Callable[[Database], Awaitable[T]]) -> T:
        """Open it and do something with it.

        Args:
            work: Gets the open database.

        Returns:
            What it returned.

        Raises:
            DatabaseCommandError: It could not be done.
        """

        async def opened() -> T:
            async with Database.opened(self.options) as database:
                return await work(database)

        try:
            return asyncio.run(opened())
        except DatabaseError as error:
            raise DatabaseCommandError(str(error), error.code) from error


def service_database(home: Home, service: str) -> ServiceDatabase:
    """Find the database of an installed service.

    Args:
        home: The environment's folder.
        service: Its name.

    Raises:
        UnknownServiceError: There is no such service, or none with a database.
        InputError: Its configuration has no database.
        DatabaseCommandError: Its configuration or migrations cannot be used.
    """
    known = {point.name for point in entry_points(group=_GROUP)}
    if service not in known:
        raise UnknownServiceError(service, sorted(known), kind="service with migrations")
    try:
        config = configured(home, service).manager.load()
        if not isinstance(config, DatabaseSettings):
            raise InputError(
                f"the configuration of {service} names no database", hint="It has to use DatabaseSettings."
            )
        return ServiceDatabase(config.database_options, Migrations.of_service(service))
    except ConfigError as error:
        raise DatabaseCommandError(str(error), "CONFIG_INVALID") from error
    except DatabaseError as error:
        raise DatabaseCommandError(str(error), error.code) from error
