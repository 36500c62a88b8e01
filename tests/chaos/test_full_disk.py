"""The disk is full in the midst of the load, and has room again: nothing is lost, and nobody has to do anything."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fault_load.bounds import IS_LONG
from fault_load.nursery_client import Nursery, Worker
from fault_load.site import Site

ROUNDS = 4 if IS_LONG else 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    if os.getuid() != 0:
        pytest.skip("mounting a small file system needs root; the test with a file size limit does without")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(place)], check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let a file system be mounted; the test with a file size limit does without")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def until(site: Site, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, site.output()[-2000:]
        time.sleep(0.01)


def refusals(site: Site) -> int:
    return sum(line.what == "refused by the disk" for line in site.lines())


def ended(site: Site) -> int:
    return sum(line.what == "ended" for line in site.lines())


def starve(site: Site, fill: Callable[[], None], free: Callable[[], None]) -> None:
    """Take the room away until writes are refused, give it back, and see the same process go on."""
    refused = refusals(site)
    fill()
    until(site, lambda: refusals(site) > refused)
    time.sleep(0.2)
    free()
    done = ended(site)
    until(site, lambda: ended(site) > done + 5)


def test_a_full_file_system_loses_nothing(tmp_path: Path, small_disk: Path, nursery: Nursery):
    """The journal's file system has no block left: asked-for things are refused or wait, and go on once there is room."""
    site = Site(tmp_path / "site", nursery, small_disk / "journal.db")
    worker = site.begin()
    until(site, lambda: ended(site) > 0)
    ballast = small_disk / "ballast"

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                return

    for _ in range(ROUNDS):
        starve(site, fill, ballast.unlink)
    fill()
    worker.kill()  # also killed while the disk is full
    ballast.unlink()
    site.check_nothing_ran_again()
    site.finish()


def test_a_file_size_limit_loses_nothing(tmp_path: Path, nursery: Nursery):
    """The same with a limit of the process instead of a full file system, so that it needs no rights."""
    site = Site(tmp_path, nursery)
    worker = site.begin()
    until(site, lambda: ended(site) > 0)

    log = tmp_path / "journal.db-wal"
    until(site, lambda: log.stat().st_size > 1_000_000)  # the record stays far below that
    for _ in range(ROUNDS):
        starve(site, lambda: limit(worker, log.stat().st_size), lambda: limit(worker, resource.RLIM_INFINITY))
    worker.kill()
    site.check_nothing_ran_again()
    site.finish()


def limit(worker: Worker, size_bytes: int) -> None:
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))
