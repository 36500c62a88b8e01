"""A document that calls: a function of its own, an HTTP service with a secret, and a step of the program."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

from maestro_workflow_engine import WorkflowEngine, step
from maestro_workflow_engine.dsl import FixedSecrets, HttpRequest, HttpResponse, Steps, load_document

REFUND = Path(__file__).parent / "calls" / "refund.yaml"


@step
async def notify(text: str) -> str:
    return f"told the customer: {text}"


class Payments:
    """Stands in for the payment service; left out, requests go to the network."""

    async def call(self, request: HttpRequest) -> HttpResponse:
        """Show what arrives, and answer."""
        print(request.method, request.url, request.headers["x-api-key"])
        return HttpResponse(200, {"content-type": "application/json"}, b'{"state": "done"}')


async def main() -> None:
    # region: run
    document = load_document(REFUND.read_text())
    secrets = FixedSecrets({"payments": {"key": "open-sesame"}})  # left out, they come from the environment
    refund = document.as_workflow(Steps([notify], http=Payments(), secrets=secrets))
    async with WorkflowEngine("sqlite://", workflows=[refund]) as engine:
        handle = await engine.start(refund, {"id": "p-17"})
        print(await handle.result(timeout=timedelta(seconds=10)))
        kept = json.dumps([event.data for event in await handle.history()])
        print("the history has the secret:", "open-sesame" in kept)
    # endregion: run


if __name__ == "__main__":
    asyncio.run(main())
