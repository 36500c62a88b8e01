import inspect
from pathlib import Path

import pytest
from fastapi.routing import APIRoute, iter_route_contexts

from maestro.bootstrap import create_app
from maestro.config import OrchestratorConfig
from maestro.domain.errors import StorageError
from maestro_core_api import MaestroAPI, StartupError
from maestro_core_logging.testing import capture_logs
from maestro_workflow_engine import JournalCorruptError, JournalLockedError, WorkflowDefinitionError, WorkflowError


async def _refused(app: MaestroAPI, error: type[WorkflowError | StorageError]) -> str:
    """Try to start; return the reason that the log gives."""
    with capture_logs() as lines, pytest.raises(StartupError) as caught:
        async with app.router.lifespan_context(app):
            pass
    assert type(caught.value.__cause__) is error
    (line,) = [line for line in lines if line["event"] == "Orchestrator cannot start"]
    assert line["level"] == "error"
    assert line["code"]
    return str(line["reason"])


async def test_a_damaged_journal_stops_the_start_and_stays_as_it_is(config: OrchestratorConfig) -> None:
    """A journal that is none ends the start with an error that names it; not a byte of it is changed."""
    config.storage_dir.mkdir(parents=True)
    journal = config.storage_dir / "runs.db"
    journal.write_bytes(b"this is no journal " * 100)
    assert str(journal) in await _refused(create_app(config), JournalCorruptError)
    assert journal.read_bytes() == b"this is no journal " * 100


async def test_a_second_orchestrator_on_the_same_data_does_not_start(config: OrchestratorConfig) -> None:
    """While one runs, another on its journal is refused; the first one's end makes room."""
    first, second = create_app(config), create_app(config)
    async with first.router.lifespan_context(first):
        assert "is in use by" in await _refused(second, JournalLockedError)
    third = create_app(config)
    async with third.router.lifespan_context(third):
        pass


async def test_a_data_folder_that_cannot_be_made_is_named(config: OrchestratorConfig, tmp_path: Path) -> None:
    """A data folder below a file ends the start with an error that names it."""
    (tmp_path / "data").write_text("a file")
    assert str(tmp_path / "data") in await _refused(create_app(config), StorageError)


async def test_an_engine_url_that_leads_nowhere_is_refused(config: OrchestratorConfig) -> None:
    """An engine_url that names no runner ends the start and says which ones there are."""
    app = create_app(config.model_copy(update={"engine_url": "mysql://somewhere"}))
    assert "use sqlite:///" in await _refused(app, WorkflowDefinitionError)


async def test_an_engine_url_moves_the_journal(config: OrchestratorConfig, tmp_path: Path) -> None:
    """With engine_url set, runs are kept there."""
    app = create_app(config.model_copy(update={"engine_url": f"sqlite:///{tmp_path}/elsewhere.db"}))
    async with app.router.lifespan_context(app):
        assert (tmp_path / "elsewhere.db").exists()
    assert not (config.storage_dir / "runs.db").exists()


def test_no_request_waits_for_a_thread(config: OrchestratorConfig) -> None:
    """Endpoints and what they depend on are coroutines: FastAPI calls any other function on a thread, at many times the cost."""
    found = [
        (route.path, dependant.call)
        for context in iter_route_contexts(create_app(config).routes)
        if isinstance(route := context.original_route, APIRoute)
        for dependant in (context.dependant, *context.dependant.dependencies)
    ]
    assert len(found) > 40
    assert [(path, call) for path, call in found if not inspect.iscoroutinefunction(call)] == []
