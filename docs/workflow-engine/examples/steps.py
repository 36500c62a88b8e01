"""Steps: retries, time limits, threads, idempotency keys."""

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path

from maestro_workflow_engine import RetryPolicy, StepFailedError, WorkflowEngine, step, step_info, workflow


class CardDeclinedError(Exception):
    """The bank said no; asking again would not change its mind."""


# region: retries
@step(
    retry=RetryPolicy(
        max_attempts=5,
        initial_interval=timedelta(milliseconds=10),
        backoff=2,
        max_interval=timedelta(seconds=1),
        non_retryable=(CardDeclinedError,),
    ),
    timeout=timedelta(seconds=30),
)
async def charge(order_id: str) -> str:
    info = step_info()
    print(f"attempt {info.attempt} with key {info.idempotency_key}")
    if info.attempt < 3:
        raise ConnectionError("the bank is not reachable")
    return f"payment for {order_id}"
    # endregion: retries


# region: thread
@step
def checksum(path: str) -> str:  # a plain function: it runs in a thread and may block
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    # endregion: thread


@step
async def declined() -> None:
    raise CardDeclinedError("insufficient funds")


# region: failing
@workflow
async def pay(order_id: str) -> str:
    payment = await charge(order_id)
    try:
        await declined()
    except CardDeclinedError as error:  # the step's own exception, with the record of the attempts as its cause
        record = error.__cause__
        attempts = record.attempts if isinstance(record, StepFailedError) else 0
        return f"{payment}; then {error} after {attempts} attempt"
    return payment
    # endregion: failing


@workflow
async def inspect(path: str) -> str:
    return await checksum(path)


async def main() -> None:
    async with WorkflowEngine("sqlite://", workflows=[pay, inspect]) as engine:
        print(await (await engine.start(pay, "17", id="order-17")).result())
        print((await (await engine.start(inspect, "parcel.txt")).result())[:16])


if __name__ == "__main__":
    Path("parcel.txt").write_text("three books\n")
    asyncio.run(main())
