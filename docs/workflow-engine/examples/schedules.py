"""Schedules."""

import asyncio
from datetime import UTC, datetime, timedelta

from maestro_workflow_engine import CronSpec, IntervalSpec, Overlap, WorkflowEngine, info, step, workflow


@step
async def summarise(region: str) -> str:
    return f"report for {region}"


@workflow
async def report(region: str) -> str:
    return f"{info().run_id}: {await summarise(region)}"


async def main() -> None:
    start = datetime(2026, 10, 24, 12, tzinfo=UTC)
    async with WorkflowEngine.test([report], start_time=start) as engine:
        # region: make
        nightly = await engine.schedule(
            "nightly",
            report,
            "all",
            spec=CronSpec("0 3 * * *", zone="Europe/Berlin"),
            overlap=Overlap.SKIP,
            catch_up=timedelta(hours=6),
        )
        await engine.schedule("pulse", report, "north", spec=IntervalSpec(timedelta(hours=6)), paused=True)
        # endregion: make

        # region: look
        await engine.time.sleep(timedelta(days=2))
        described = await nightly.describe()
        for run in reversed(described.last_runs):
            print(run.id, run.status)
        print("next:", described.next_times[0].isoformat())
        # endregion: look

        # region: act
        await nightly.pause("stocktaking")
        now = await nightly.trigger()
        print(await now.result())
        for handle in await nightly.backfill(start - timedelta(days=2), start):
            print(await handle.result())
        await nightly.resume()
        # endregion: act


if __name__ == "__main__":
    asyncio.run(main())
