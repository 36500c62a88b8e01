"""A document that runs a script and shell commands, on a host that allows them."""

import asyncio
from datetime import timedelta
from pathlib import Path

from maestro_workflow_engine import WorkflowEngine
from maestro_workflow_engine.dsl import DocumentError, ProcessOptions, Steps, load_document

document = load_document(Path(__file__).with_name("run_tasks.yaml").read_text())


async def main() -> None:
    # region: allowed
    try:
        document.as_workflow()  # by default a host runs no processes for documents
    except DocumentError as error:
        print(error.faults[0])

    steps = Steps(processes=ProcessOptions(allowed=frozenset({"script", "shell"}), time_limit=timedelta(minutes=5)))
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow(steps)]) as engine:
        handle = await engine.start("guide/report", {"text": "so it is and so it was", "word": "so"})
        print(await handle.result(timeout=timedelta(seconds=60)))
    # endregion: allowed


if __name__ == "__main__":
    asyncio.run(main())
