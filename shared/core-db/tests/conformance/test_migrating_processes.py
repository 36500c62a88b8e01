import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from migration_packages import FIRST, SECOND, package

from maestro_core_db import Database, Migrations
from maestro_core_db.testing import TemporaryDatabase

PROCESS = Path(__file__).parents[1] / "support" / "migrate_process.py"
PATIENCE_S = 60.0
PAUSE = """
    import pathlib, time
    op.execute("CREATE TABLE half (id INTEGER)")
    pathlib.Path({marker!r}).touch()
    deadline = time.monotonic() + 60
    while not pathlib.Path({go!r}).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
"""


@contextmanager
def process(database: TemporaryDatabase, folder: Path, name: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, str(PROCESS), database.url, str(folder), name]
    started = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def go(started: "subprocess.Popen[str]") -> None:
    assert started.stdout.readline() == "ready\n"
    started.stdin.write("go\n")
    started.stdin.flush()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_many_instances_start_at_once(temporary_database: TemporaryDatabase, tmp_path: Path) -> None:
    """Of four processes that upgrade a new database at the same time one does it all, and all of them go on."""
    package(tmp_path, "at_once", {"r1": FIRST, "r2": SECOND})
    with (
        process(temporary_database, tmp_path, "at_once") as one,
        process(temporary_database, tmp_path, "at_once") as two,
        process(temporary_database, tmp_path, "at_once") as three,
        process(temporary_database, tmp_path, "at_once") as four,
    ):
        started = (one, two, three, four)
        for each in started:
            go(each)
        ended = [each.communicate(timeout=PATIENCE_S) for each in started]
        assert [each.returncode for each in started] == [0] * 4, ended
        ran = [json.loads(out) for out, _ in ended]
    assert sorted(ran) == [[], [], [], ["r1", "r2"]]


async def test_a_process_that_dies_in_the_middle_changes_nothing(
    temporary_database: TemporaryDatabase, tmp_path: Path
) -> None:
    """Killed in the middle of its second migration, a process leaves the database as it was; the one that waited does it."""
    marker, end = tmp_path / "in-the-middle", tmp_path / "end"
    slow = (PAUSE.format(marker=str(marker), go=str(end)).strip(), "pass")
    module = package(tmp_path, "killed", {"r1": FIRST, "r2": slow})
    with (
        process(temporary_database, tmp_path, "killed") as dies,
        process(temporary_database, tmp_path, "killed") as waits,
    ):
        go(dies)
        until(marker.exists)
        go(waits)
        async with Database.opened(temporary_database.url, service_name="migrating-service") as db:
            assert (await Migrations(module).state(db)).current is None
        dies.kill()
        dies.wait()
        end.touch()
        out, errors = waits.communicate(timeout=PATIENCE_S)
        assert waits.returncode == 0, errors
    assert json.loads(out) == ["r1", "r2"]
    async with Database.opened(temporary_database.url, service_name="migrating-service") as db:
        assert (await Migrations(module).state(db)).is_current
