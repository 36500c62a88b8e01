"""A workflow to be tested."""

import asyncio
from datetime import timedelta

from maestro_workflow_engine import receive, step, workflow


@step
async def charge(order_id: str, cents: int) -> str:
    raise RuntimeError("tests must not charge anybody")


@step
async def remind(order_id: str) -> None:
    raise RuntimeError("tests must not send mail")


@workflow
async def fulfil(order_id: str) -> str:
    payment = await charge(order_id, 1250)

    async def keep_reminding() -> None:
        while True:
            await asyncio.sleep(24 * 3600)
            await remind(order_id)

    reminders = asyncio.create_task(keep_reminding())
    try:
        approval = await receive("approval", timeout=timedelta(days=3))
    except TimeoutError:
        return f"{payment}, not approved"
    finally:
        reminders.cancel()
    return f"{payment}, approved by {approval}"
