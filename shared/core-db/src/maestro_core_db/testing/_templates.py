"""Databases that come with a service's tables: migrated once, then copied, which takes a tenth of the time."""

import asyncio
import tempfile
import threading
from functools import cache
from pathlib import Path

from maestro_core_db._database import Database
from maestro_core_db._migrations import Migrations

from ._postgres_server import PostgresServer


@cache
def sqlite_template(package: str) -> bytes:
    """Return the content of a SQLite file with a service's tables, all of them empty.

    Args:
        package: The service's migrations.
    """
    with tempfile.TemporaryDirectory(prefix="maestro-sqlite-") as folder:
        path = Path(folder) / "template.db"
        _migrate(package, f"sqlite:///{path}")
        return path.read_bytes()


@cache
def postgres_template(server: PostgresServer, package: str) -> str:
    """Return the name of a database of a server that has a service's tables, for `CREATE DATABASE … TEMPLATE`.

    Args:
        server: The server.
        package: The service's migrations.
    """
    name = f"template_{package.replace('.', '_')}"
    server.run(f'CREATE DATABASE "{name}"')
    _migrate(package, server.url(name))
    return name


def _migrate(package: str, url: str) -> None:
    async def migrate() -> None:
        async with Database.opened(url) as db:
            await Migrations(package).upgrade(db)

    failed: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(migrate())
        except BaseException as error:  # noqa: BLE001 - raised where it was asked for
            failed.append(error)

    # In a thread of its own: the caller may be within an event loop.
    thread = threading.Thread(target=run, name="migrating")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
