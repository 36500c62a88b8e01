import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from maestro_workflow_engine import ClusterUnreachableError, WorkflowEngine
from maestro_workflow_engine.dsl import FixedSecrets, Steps, load_document

SOURCE = """
document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}
use:
  secrets: [key]
  extensions: [{count: {extend: call, when: '$task.call == "http"', before: [{n: {set: {n: 1}}}]}}]
  functions:
    ask: {call: http, with: {method: get, endpoint: 'URL/{id}', headers: {x-key: '${ $secrets.key }'}}}
do:
  - a: {call: ask, with: {id: 7}}
  - b: {try: [{c: {call: http, with: {method: get, endpoint: 'URL/missing'}}}], catch: {errors: {with: {status: 404}}}}
"""


async def test_calls_on_a_cluster(temporal_namespaces: Iterator[str], site: Any, serve: Any) -> None:
    """Calls, functions, extensions and caught failures are the same on a Temporal cluster, and so are secrets that stay out."""
    url = next(temporal_namespaces)
    site.answers["/7"] = lambda asked: {"key": asked.headers["x-key"], "n": 7}
    document = load_document(SOURCE.replace("URL", serve(site)))
    workflow = document.as_workflow(Steps(secrets=FixedSecrets({"key": "cluster-secret"})))
    async with asyncio.timeout(100):
        while True:  # a new namespace is known to the server's parts one after the other
            try:
                async with WorkflowEngine(url, workflows=[workflow]) as engine:
                    handle = await engine.start(document.qualified_name, {"id": 1})
                    output = await handle.result(timeout=timedelta(seconds=60))
                    history = json.dumps([event.data for event in await handle.history()], default=repr)
                    break
            except ClusterUnreachableError:
                await asyncio.sleep(0.1)
    assert output == {"key": "**********", "n": 7}
    assert [asked.headers.get("x-key") for asked in site.asked] == ["cluster-secret", None]
    assert "cluster-secret" not in history
