"""Steps that take long: signs of life, and a limit for all attempts."""

import asyncio
from datetime import timedelta

from maestro_workflow_engine import (
    RetryAfterError,
    RetryPolicy,
    StepTotalTimeoutError,
    WorkflowEngine,
    heartbeat,
    last_heartbeat,
    step,
    workflow,
)


# region: heartbeat
@step(heartbeat_timeout=timedelta(seconds=30), retry=RetryPolicy(max_attempts=3, initial_interval=timedelta(0)))
def copy(rows: int) -> int:
    done: int = last_heartbeat(type=int) or 0
    print(f"copy from row {done}")
    for row in range(done, rows):
        heartbeat(row + 1)
        if row == 700 and done == 0:
            raise ConnectionError("the connection is lost")
    return rows
    # endregion: heartbeat


# region: total
@step(retry=RetryPolicy(max_attempts=0), total_timeout=timedelta(hours=1))
async def notify(partner: str) -> None:
    raise RetryAfterError(f"{partner} has too much to do", delay=timedelta(minutes=25))


@workflow
async def export(rows: int) -> str:
    await copy(rows)
    try:
        await notify("Ada")
    except StepTotalTimeoutError as error:
        return str(error)
    return "told"
    # endregion: total


async def main() -> None:
    async with WorkflowEngine.test([export]) as engine:
        handle = await engine.start(export, 1000)
        print(await handle.result())


if __name__ == "__main__":
    asyncio.run(main())
