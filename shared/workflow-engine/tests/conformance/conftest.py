"""The runners that the same tests run against."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import sys
from collections.abc import Awaitable, Callable, Generator, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import (
    UnsupportedByRunnerError,
    WorkflowDefinition,
    WorkflowEngine,
    WorkflowNotFoundError,
)

_HERE = Path(__file__).parent
_PATTERNS = _HERE.parent / "patterns"
"""They have a driver of their own."""

# Tests are collected by path; this makes the table importable under one name.
_spec = importlib.util.spec_from_file_location("conformance_capabilities", _HERE / "capabilities.py")
assert _spec is not None
assert _spec.loader is not None
capabilities = sys.modules.setdefault(_spec.name, importlib.util.module_from_spec(_spec))
if not hasattr(capabilities, "CAPABILITIES"):
    _spec.loader.exec_module(capabilities)

_NAMES = {capability.name for capability in capabilities.CAPABILITIES}
_REPORT = "MAESTRO_CAPABILITIES"
"""Names the file that takes what came of each test, or of a mere collection what has to come of it."""

_found = pytest.StashKey[dict[str, Any]]()


@dataclass(frozen=True)
class Place:
    """Where the engines of one test keep their runs: a second one finds what the first has left."""

    runner: str
    url: str

    def engine(self, *, workflows: Iterable[WorkflowDefinition[..., Any]], **options: Any) -> WorkflowEngine:
        """Return an engine that is not open yet."""
        return WorkflowEngine(self.url, workflows=workflows, **options)

    @staticmethod
    async def until(wanted: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something is so: a cluster lists a change a little later."""
        async with asyncio.timeout(20):
            while not await wanted():
                await asyncio.sleep(0.01)

    async def begun(self, engine: WorkflowEngine, run_id: str) -> None:
        """Wait until there is such a run: a cluster starts a child a little after its parent has asked for it."""

        async def is_there() -> bool:
            with contextlib.suppress(WorkflowNotFoundError):
                return bool((await engine.handle(run_id).status()).waiting_for)
            return False

        await self.until(is_there)


@pytest.fixture(params=["embedded", "temporal"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place that is empty."""
    if request.param == "embedded":
        return Place("embedded", f"sqlite:///{tmp_path}/journal.db")
    url = await request.getfixturevalue("empty_namespace")()
    return Place("temporal", f"{url}&lost_after_s=6")  # by its signs of life a step hears that it was stopped


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse a test without a row of the table, and note what has to come of the others."""
    found = config.stash.setdefault(_found, {})
    for item in items:
        if not isinstance(item, pytest.Function) or item.path.parent not in (_HERE, _PATTERNS):
            continue
        if item.path.parent == _PATTERNS:
            item.add_marker(pytest.mark.capability("patterns"))
        mark = item.get_closest_marker("capability")
        if mark is None or mark.args[0] not in _NAMES:
            raise pytest.UsageError(f"{item.nodeid}: mark it with a capability that conformance/capabilities.py has")
        runner = _runner(item)
        if runner is not None:
            test = item.originalname
            outcome = capabilities.expected(test, runner)
            found[item.nodeid] = capabilities.Result(mark.args[0], runner, test, item.path.stem, outcome)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Take the refusal of what a runner cannot do for a success, and nothing else."""
    runner = _runner(pyfuncitem)
    if runner is None or capabilities.expected(pyfuncitem.originalname, runner) != "refused":
        return (yield)
    with pytest.raises(UnsupportedByRunnerError) as caught:  # it works by now? then take it out of REFUSED
        yield
    assert caught.value.runner == runner
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note what came of a test otherwise than it should."""
    report = yield
    found = item.config.stash.get(_found, {})
    if item.nodeid in found and report.outcome != "passed":
        found[item.nodeid] = capabilities.Result(**{**asdict(found[item.nodeid]), "outcome": report.outcome})
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report that somebody asked for."""
    if target := os.environ.get(_REPORT):
        found = session.config.stash.get(_found, {})
        Path(target).write_text(json.dumps([asdict(result) for result in found.values()]))


def _runner(item: pytest.Function) -> str | None:
    callspec = getattr(item, "callspec", None)
    params = {} if callspec is None else callspec.params
    if "case" in params:
        return "temporal" if params["case"] == "temporal" else "embedded"
    return params.get("place")
