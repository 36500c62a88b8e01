"""Back a journal up while its engine runs, and restore it."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from maestro_workflow_engine import WorkflowEngine, check_journal, receive, workflow


# region: backup
def back_up(journal: Path, copy: Path) -> None:
    """Copy a journal, from any process, while its engine runs. The copy is one moment of it."""
    part = copy.with_name(f"{copy.name}.part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as source:
        source.execute("VACUUM INTO ?", (str(part),))
    report = check_journal(part)
    if not report.is_sound:
        raise RuntimeError(f"the copy is damaged: {report}")
    part.rename(copy)
    # endregion: backup


# region: restore
def restore(copy: Path, journal: Path) -> None:
    """Put a copy in a journal's place. The engine must be closed."""
    for leftover in (f"{journal}-wal", f"{journal}-shm"):  # they belong to the file that goes
        Path(leftover).unlink(missing_ok=True)
    part = journal.with_name(f"{journal.name}.part")
    part.write_bytes(copy.read_bytes())
    part.rename(journal)
    # endregion: restore


@workflow
async def order(number: int) -> str:
    return f"order {number}: {await receive('answer')}"


async def main() -> None:
    journal, copy = Path("orders.db"), Path("orders.backup.db")
    async with WorkflowEngine(f"sqlite:///{journal}", workflows=[order]) as engine:
        await engine.start(order, 1, id="order-1")
        await asyncio.to_thread(back_up, journal, copy)
        await engine.start(order, 2, id="order-2")  # after the copy: a restore loses it

    restore(copy, journal)
    async with WorkflowEngine(f"sqlite:///{journal}", workflows=[order]) as engine:
        print([run.id for run in (await engine.runs()).runs])
        await engine.handle("order-1").signal("answer", "packed")
        print(await engine.handle("order-1").result(timedelta(seconds=10)))


if __name__ == "__main__":
    asyncio.run(main())
