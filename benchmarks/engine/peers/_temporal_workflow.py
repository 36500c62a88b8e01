"""The workflow for Temporal, in a module of its own as its guide says: the sandbox imports it anew for every run."""

from __future__ import annotations

from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def add(a: int, b: int) -> int:
    return a + b


@workflow.defn
class ThreeSteps:
    @workflow.run
    async def run(self, n: int) -> int:
        for _ in range(3):
            n = await workflow.execute_activity(add, args=[n, 1], start_to_close_timeout=timedelta(minutes=1))
        return n
