"""Two ways to run a document: as plain asyncio under a clock that skips waits, and on the engine."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import selectors
import sys
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import WorkflowEngine, WorkflowFailedError
from maestro_workflow_engine._event_filter import Filters
from maestro_workflow_engine.dsl import HttpCaller, Steps, TaskError, WorkflowDocument, load_document
from maestro_workflow_engine.dsl._host import EventSource
from maestro_workflow_engine.dsl._interpreter import interpret

START = datetime(2026, 1, 1, tzinfo=UTC)

# Tests are collected by path; this makes the module beside them importable under one name.
_spec = importlib.util.spec_from_file_location("listening", Path(__file__).with_name("listening.py"))
assert _spec is not None
assert _spec.loader is not None
if _spec.name not in sys.modules:
    _module = importlib.util.module_from_spec(_spec)
    sys.modules[_spec.name] = _module
    _spec.loader.exec_module(_module)


PROJECT = Path(__file__).resolve().parents[4]
DATA = Path(os.environ.get("MAESTRO_CONFORMANCE_DATA", PROJECT.parent / "shared" / "data")) / "open-workflow"
ABSENT = f"no conformance data at {DATA}; MAESTRO_CONFORMANCE_DATA names the folder that holds open-workflow/"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that take an `example`, an `invalid_document` or a `scenario` once for each of them."""
    found: dict[str, list[Any]] = {
        "example": [pytest.param(path, id=path.stem) for path in sorted(DATA.glob("examples/*.yaml"))],
        "invalid_document": [pytest.param(path, id=path.stem) for path in sorted(DATA.glob("invalid/*.yaml"))],
        "scenario": [
            pytest.param(text, id=f"{path.stem}: {text.strip().splitlines()[0]}")
            for path in sorted(DATA.glob("ctk/*.feature"))
            for text in re.split(r"^[ \t]*Scenario:", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
        ],
    }
    for name, values in found.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, values or [pytest.param(None, marks=pytest.mark.skip(reason=ABSENT))])


@pytest.fixture(scope="session")
def conformance_data() -> Path:
    """Return the folder of the specification's schema, examples and features; skip where it is absent."""
    if not DATA.exists():
        pytest.skip(ABSENT)
    return DATA


class SkippingSelector(selectors.DefaultSelector):
    """Never waits: the time that a wait would take is added up instead."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise AssertionError("the document waits for something that never comes")
        self.skipped += max(timeout, 0.0)
        return super().select(0)


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer."""

    def __init__(self) -> None:
        self.selector = SkippingSelector()
        super().__init__(self.selector)

    def time(self) -> float:
        return self.selector.skipped


@dataclass
class PlainHost:
    """A host outside the engine."""

    chances: list[float] = field(default_factory=list)
    run_id: str = "run-1"
    emitted: list[dict[str, Any]] = field(default_factory=list)

    def now(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    def random(self) -> float:
        return self.chances.pop(0)

    def new_id(self) -> str:
        return str(uuid.uuid4())

    async def emit(self, event: Mapping[str, Any]) -> None:
        self.emitted.append(dict(event))

    def listen(self, filters: Filters) -> AbstractAsyncContextManager[EventSource]:
        raise AssertionError(f"nobody publishes outside the engine what {filters} would match")

    def announce(self, event: Mapping[str, Any]) -> None:
        self.emitted.append(dict(event))

    def on_steered(self, callback: Callable[[str], None]) -> None:
        """Nobody pauses a run outside the engine."""


@dataclass(frozen=True)
class Simulation:
    """What came of a plain run."""

    output: Any
    elapsed: float
    """Seconds, as the document saw them."""
    error: TaskError | None = None


def as_document(source: str | dict[str, Any]) -> WorkflowDocument:
    """Load a document; one that starts at `do` (or another section) gets a head."""
    if isinstance(source, str):
        head = "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"
        return load_document(source if source.startswith("document:") else head + source)
    return load_document(source)


@pytest.fixture
def load() -> Callable[..., WorkflowDocument]:
    """Load a document."""
    return as_document


@pytest.fixture
def simulate() -> Callable[..., Simulation]:
    """Run a document as plain asyncio, waits skipped."""

    def run(
        source: str | dict[str, Any],
        payload: Any = None,
        *,
        steps: Any = (),
        http: HttpCaller | None = None,
        chances: Any = (),
    ) -> Simulation:
        document = as_document(source)

        async def main() -> Simulation:
            loop = asyncio.get_running_loop()
            try:
                output = await interpret(document, payload, Steps(steps, http), PlainHost(list(chances)))
            except TaskError as error:
                return Simulation(None, loop.time(), error)
            return Simulation(output, loop.time())

        with asyncio.Runner(loop_factory=SkippingLoop) as runner:
            return runner.run(main())

    return run


@pytest.fixture(params=["plain", "engine"])
def execute(request: pytest.FixtureRequest, simulate: Callable[..., Simulation]) -> Callable[..., Any]:
    """Run a document, once as plain asyncio and once on the engine; gives its output or raises its TaskError."""

    def plain(source: str | dict[str, Any], payload: Any = None, **options: Any) -> Any:
        simulation = simulate(source, payload, **options)
        if simulation.error is not None:
            raise simulation.error
        return simulation.output

    def engine(
        source: str | dict[str, Any], payload: Any = None, *, steps: Any = (), http: HttpCaller | None = None
    ) -> Any:
        document = as_document(source)

        async def main() -> Any:
            workflow = document.as_workflow(Steps(steps, http))
            async with WorkflowEngine("sqlite://", workflows=[workflow]) as running:
                handle = await running.start(document.qualified_name, payload)
                return await handle.result(timeout=timedelta(seconds=20))

        try:
            return asyncio.run(main())
        except WorkflowFailedError as error:
            failure = error.failure
            assert failure.type == "maestro_workflow_engine.dsl._errors:TaskError", failure.traceback
            assert failure.args is not None
            raise TaskError(failure.args[0]) from error

    return plain if request.param == "plain" else engine
