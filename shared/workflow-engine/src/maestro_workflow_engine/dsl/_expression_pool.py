"""Where expressions run that may take long: helper processes that are killed when they do."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from time import monotonic

from maestro_workflow_engine._definitions import StepDefinition
from maestro_workflow_engine._errors import WorkflowDefinitionError
from maestro_workflow_engine.dsl._jq import RESULT_LIMIT

_PROGRAM = Path(__file__).with_name("_jq_helper.py")
_PATIENCE = 20
"""How many times its processor time an expression may take by the clock, on a machine that is busy with other things."""


@dataclass(frozen=True, kw_only=True)
class ExpressionLimits:
    """What one expression may use. Those that cannot need much are evaluated at once; all others in a helper process."""

    time: timedelta = timedelta(seconds=5)
    """Processor time, counted in whole seconds. Default: 5 s."""
    memory_bytes: int = 512 * 1024 * 1024
    """Memory of a helper process. Default: 512 MiB."""
    helpers: int = 2
    """How many helper processes there may be. They start when they are needed. Default: 2."""

    def __post_init__(self) -> None:
        """Check the limits.

        Raises:
            WorkflowDefinitionError: One is not above zero.
        """
        if self.time <= timedelta(0) or self.memory_bytes <= 0 or self.helpers <= 0:
            raise WorkflowDefinitionError("the limits of expressions must be above zero")


@dataclass(frozen=True)
class ExpressionCall:
    """An expression to be evaluated elsewhere."""

    program: str
    """The jq program, variables bound."""
    text: str
    """What it is run on, as JSON."""


@dataclass(frozen=True)
class ExpressionOutcome:
    """What came of it. It is kept, a failure as well, so that a replay goes the same way."""

    results: list[str] = field(default_factory=list)
    """Up to two results, as JSON."""
    problem: str | None = None
    """Why there is no result; None when nothing is wrong."""


ExpressionStep = StepDefinition[[ExpressionCall], ExpressionOutcome]


class ExpressionPool:
    """Helper processes, shared by all runs.

    Attributes:
        step: The step, named "expression"; a plain function, which runs in the engine's threads.
    """

    def __init__(self, limits: ExpressionLimits | None = None) -> None:
        self._limits = limits or ExpressionLimits()
        self._free = threading.BoundedSemaphore(self._limits.helpers)
        self._idle: list[_Helper] = []
        self._finalizer = weakref.finalize(self, _close_all, self._idle)
        self.step: ExpressionStep = StepDefinition(self._evaluate, name="expression")

    def _evaluate(self, call: ExpressionCall) -> ExpressionOutcome:
        with self._free:
            helper = self._idle.pop() if self._idle else _Helper(self._limits)
            try:
                answer = helper.ask({"program": call.program, "text": call.text})
            except _HelperDiedError as died:
                return ExpressionOutcome(problem=str(died))
            except BaseException:
                helper.close()
                raise
            self._idle.append(helper)
        return answer


class _HelperDiedError(Exception):
    """The helper was killed over its request."""


class _Helper:
    """One process, which answers one request after the other."""

    def __init__(self, limits: ExpressionLimits) -> None:
        self._seconds = max(ceil(limits.time.total_seconds()), 1)
        numbers = map(str, (self._seconds, limits.memory_bytes, RESULT_LIMIT))
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(_PROGRAM), *numbers],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            start_new_session=True,  # Ctrl-C in a terminal is for the engine, which then ends its helpers
        )

    def ask(self, request: dict[str, str]) -> ExpressionOutcome:
        """Send a request and wait for the answer.

        Raises:
            _HelperDiedError: It took too long or needed too much. The helper is closed.
        """
        assert self._process.stdin is not None  # asked for above
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
            line = self._line(monotonic() + self._seconds * _PATIENCE)
        except BrokenPipeError:
            line = b""
        if line is None:
            self.close()
            raise _HelperDiedError(f"it ran for longer than {self._seconds * _PATIENCE} s and was stopped")
        if not line.endswith(b"\n"):
            raise _HelperDiedError(self._reason())
        answer = json.loads(line)
        return ExpressionOutcome(answer.get("results", []), answer.get("error"))

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _line(self, deadline: float) -> bytes | None:
        """Read a line; one that is not complete at the end of the process, None at the deadline."""
        stream = self._process.stdout
        assert stream is not None  # asked for above
        found = bytearray()
        with DefaultSelector() as selector:
            selector.register(stream, EVENT_READ)
            while not found.endswith(b"\n"):
                if not selector.select(max(deadline - monotonic(), 0)):
                    return None
                chunk = stream.read1()  # type: ignore[attr-defined]  # a pipe is buffered
                if not chunk:
                    break
                found += chunk
        return bytes(found)

    def _reason(self) -> str:
        self._process.communicate()
        if self._process.returncode == -signal.SIGXCPU:
            return f"it ran for longer than {self._seconds} s and was stopped"
        return "it was stopped: it needs too much memory, or nests too deeply"


def _close_all(helpers: list[_Helper]) -> None:
    while helpers:
        helpers.pop().close()
