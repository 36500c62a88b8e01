"""Runs that wait for their turn, for quiet, and for one another."""

import asyncio
from datetime import timedelta

from maestro_workflow_engine import (
    Conflict,
    Debounce,
    Queue,
    Rate,
    Reuse,
    Singleton,
    SingletonPolicy,
    StartOptions,
    WorkflowEngine,
    workflow,
)


@workflow
async def mail(to: str) -> str:
    await asyncio.sleep(60)
    return f"sent to {to}"


async def main() -> None:
    # region: queue
    queues = [Queue("mail", concurrency=2, per_tenant=1, rate=Rate(100, per=timedelta(minutes=1)))]
    async with WorkflowEngine.test([mail], queues=queues) as engine:
        for number in range(5):
            bulk = StartOptions(queue="mail", priority=9, tenant="shop")
            await engine.start(mail, f"customer {number}", id=f"bulk-{number}", options=bulk)
        urgent = await engine.start(mail, "Ada", options=StartOptions(queue="mail", priority=0, tenant="alerts"))
        await engine.time.sleep(timedelta(seconds=1))
        print((await urgent.status()).status, (await engine.handle("bulk-1").status()).waiting_for[0].place)
        await engine.handle("bulk-4").reprioritize(1)
        await engine.queue("mail").pause("the provider is down")
        described = await engine.queue("mail").describe()
        print(described.running, described.waiting_by_priority, described.waiting_by_tenant, described.note)
        await engine.queue("mail").resume()
        # endregion: queue

        # region: keys
        quiet = StartOptions(debounce=Debounce("cart-7", timedelta(seconds=30), max_wait=timedelta(minutes=5)))
        first = await engine.start(mail, "one item", options=quiet)
        again = await engine.start(mail, "two items", options=quiet)
        print(first.id == again.id, await first.result())
        alone = StartOptions(singleton=Singleton("import", SingletonPolicy.WAIT))
        one, two = [await engine.start(mail, f"import {number}", options=alone) for number in (1, 2)]
        print(await two.result(), "after", await one.result())
        # endregion: keys

        # region: anew
        replaced = StartOptions(if_running=Conflict.CANCEL_EXISTING, if_ended=Reuse.START_ANEW)
        for text in ("a draft", "the letter"):
            letter = await engine.start(mail, text, id="letter", options=replaced)
        print(await letter.result(), (await engine.handle("letter~1").status()).status)
        # endregion: anew


if __name__ == "__main__":
    asyncio.run(main())
