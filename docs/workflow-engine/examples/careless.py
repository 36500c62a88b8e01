"""A workflow that would not do the same in a replay."""

import random
import time

from maestro_workflow_engine import step, workflow


@step
async def charge(order_id: str) -> float:
    return time.time()  # steps are free


@workflow
async def fulfil(order_id: str) -> float:
    if random.random() < 0.5:
        return time.time()
    return await charge(order_id)
