"""A document that calls steps of a program: it chooses a carrier, and tries again what fails."""

import asyncio
from datetime import timedelta
from pathlib import Path

from maestro_workflow_engine import RetryPolicy, WorkflowEngine, step
from maestro_workflow_engine.dsl import Steps, load_document

asked: list[int] = []


# region: steps
@step
async def quote(country: str, grams: int) -> int:
    return 490 + grams // 10 if country == "home" else 990 + grams // 5


@step(retry=RetryPolicy(max_attempts=1))  # the document says what is tried again
async def book(cents: int) -> str:
    asked.append(cents)
    if cents > 1000 and asked.count(cents) == 1:
        raise ConnectionError("the post is busy")
    return f"label-{cents}"


# endregion: steps


async def main() -> None:
    # region: run
    document = load_document(Path("parcel.yaml").read_text())
    parcel = document.as_workflow(Steps([quote, book]))
    async with WorkflowEngine.test([parcel]) as engine:  # WorkflowEngine("sqlite:///parcels.db", …) keeps the runs
        for country, grams in (("home", 900), ("abroad", 1500), ("home", 30_000)):
            handle = await engine.start("shop/parcel", {"country": country, "grams": grams})
            print(await handle.result(timeout=timedelta(seconds=60)))
    print("the post was asked for labels of", asked)
    # endregion: run


if __name__ == "__main__":
    asyncio.run(main())
