"""A process that upgrades a database when it is told to: `migrate_process.py URL FOLDER PACKAGE`."""

import asyncio
import json
import sys

from maestro_core_db import Database, Migrations


async def main(url: str, folder: str, package: str) -> None:
    sys.path.insert(0, folder)
    migrations = Migrations(package)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    async with Database.opened(url, service_name="migrating-service") as db:
        sys.stdout.write(json.dumps(await migrations.upgrade(db)))


asyncio.run(main(*sys.argv[1:]))
