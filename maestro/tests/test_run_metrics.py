import asyncio
from datetime import timedelta

from maestro.bootstrap import create_app
from maestro.config import OrchestratorConfig
from maestro.run_metrics import RunMetrics, journal_census
from maestro_core_monitoring import MetricsCollector
from maestro_workflow_engine import WorkflowEngine, receive, run_child, workflow


@workflow
async def child() -> None:
    await receive("go")


@workflow(name="tests/parent")
async def parent() -> None:
    await run_child("child", None, id="the-child")


async def test_runs_are_counted_with_their_children() -> None:
    """Started, ended and running runs show in the metrics by workflow, children too, soon after it happened."""
    metrics = MetricsCollector("test")

    async def shows(*lines: str) -> None:
        async with asyncio.timeout(20):
            while not all(line in metrics.exposition()[0].decode() for line in lines):
                await asyncio.sleep(0.005)

    async with (
        WorkflowEngine("sqlite://", workflows=[child, parent]) as engine,
        RunMetrics(metrics, journal_census(engine), interval=timedelta(milliseconds=5)).kept(),
    ):
        handle = await engine.start(parent, id="p")
        await shows(
            'maestro_runs_started_total{workflow="tests/parent"} 1.0',
            'maestro_runs_started_total{workflow="python/child"} 1.0',
            'maestro_runs_running{workflow="tests/parent"} 1.0',
            'maestro_runs_running{workflow="python/child"} 1.0',
        )
        await engine.handle("the-child").signal("go")
        await handle.result()
        await shows(
            'maestro_runs_ended_total{status="completed",workflow="tests/parent"} 1.0',
            'maestro_runs_ended_total{status="completed",workflow="python/child"} 1.0',
            'maestro_runs_running{workflow="tests/parent"} 0.0',
            'maestro_runs_running{workflow="python/child"} 0.0',
        )


async def test_monitoring_can_be_switched_off(config: OrchestratorConfig) -> None:
    """With enable_monitoring off there is no `/metrics` and nothing is counted."""
    app = create_app(config.model_copy(update={"enable_monitoring": False}))
    async with app.router.lifespan_context(app):
        assert "maestro_runs" not in app.metrics.exposition()[0].decode()
        assert "run-metrics" not in {task.get_name() for task in asyncio.all_tasks()}
    assert app.config.enable_metrics is False
