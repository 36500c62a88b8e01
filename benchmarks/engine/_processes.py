"""One measurement, one process: it starts clean, is bounded in time, and is ended with everything that it started."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

_GRACE_S = 20.0


class MeasurementError(Exception):
    """A measurement came to nothing; the text says why."""


def run_measurement(python: Path | str, target: str, folder: Path, *, deadline_s: float, **options: Any) -> Any:
    """Run `module:function` in a process and a folder of its own.

    Args:
        python: The interpreter.
        target: An async function that takes the folder and the options and returns what JSON can hold.
        folder: Made for it, and removed when all went well; when not, its `log.txt` stays.
        deadline_s: When to give up, in seconds.
        **options: Passed on.

    Returns:
        What the function returned.

    Raises:
        MeasurementError: It raised, died or took too long.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    result = folder / "result.json"
    command = [str(python), "-m", "benchmarks.engine._worker", target, str(folder), str(result), json.dumps(options)]
    with (folder / "log.txt").open("wb") as log:
        # The pipe is the worker's lifeline: when this process dies, however it dies, the worker sees its end.
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            process.wait(deadline_s)
        except subprocess.TimeoutExpired as error:
            raise MeasurementError(f"took longer than {deadline_s:.0f} s; see {folder / 'log.txt'}") from error
        finally:
            _end(process)
    outcome = json.loads(result.read_text()) if result.exists() else {"error": f"died with {process.returncode}"}
    if "error" in outcome:
        raise MeasurementError(f"{outcome['error']}; see {folder / 'log.txt'}")
    shutil.rmtree(folder, ignore_errors=True)
    return outcome["figures"]


def run_phase(target: str, folder: Path, **options: Any) -> Any:
    """Run one more process for a measurement that is under way, such as one that dies on purpose.

    Args:
        target: An async function, as above.
        folder: The measurement's folder; it stays.
        **options: Passed on.

    Returns:
        What the function returned; None when the process killed itself.

    Raises:
        MeasurementError: It raised.
    """
    result = folder / "phase.json"
    result.unlink(missing_ok=True)
    command = [sys.executable, "-m", "benchmarks.engine._worker", target, str(folder), str(result), json.dumps(options)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        code = process.wait()
    if not result.exists():
        if code == -signal.SIGKILL:
            return None
        raise MeasurementError(f"{target} died with {code}")
    outcome = json.loads(result.read_text())
    if "error" in outcome:
        raise MeasurementError(outcome["error"])
    return outcome["figures"]


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
    if process.stdin is not None:
        process.stdin.close()
    with suppress(ProcessLookupError):  # whatever is left of the group that we made
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
