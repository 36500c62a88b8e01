"""Documents beside the same workflows in Python, in one run: what interpreting costs.

Both run on the engine with the same steps, 50 runs at a time, with a journal in memory: a disk would add the same to both. What is
compared is processor time, so that other work on the machine does not count.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from maestro_workflow_engine import WorkflowDefinition, WorkflowEngine, step, workflow
from maestro_workflow_engine.dsl import Steps, load_document

RUNS, AT_ONCE, ROUNDS = 200, 50, 9
HEAD = "document: {{dsl: '1.0.3', namespace: bench, name: {name}, version: '1.0.0'}}\n"


@step
async def add(total: int, n: int) -> int:
    return total + n


ORDER = """
input: {from: .order}
do:
  - price: {call: add, with: {total: '${ .net }', n: '${ .tax }'}, output: {as: '$input + {price: .}'}}
  - ship: {if: .country != "home", call: add, with: {total: '${ .price }', n: 20}, output: {as: '$input + {price: .}'}}
  - check: {switch: [{large: {when: .price > 100, then: approve}}, {small: {then: book}}]}
  - approve: {call: add, with: {total: '${ .price }', n: 1}, output: {as: '$input + {price: .}'}, export: {as: '{approved: true}'}}
  - book: {set: {id: '${ .id }', price: '${ .price }', approved: '${ $context.approved // false }'}}
"""

LOOP = """
do:
  - start: {set: {total: 0, items: '${ .items }'}}
  - each:
      for: {in: .items}
      do:
        - one: {call: add, with: {total: '${ .total }', n: '${ $item.n }'}, output: {as: '$input + {total: .}'}}
  - end: {set: {total: '${ .total }'}}
"""


@workflow(name="python/order")
async def order(payload: dict[str, Any]) -> dict[str, Any]:
    data, approved = payload["order"], False
    price = await add(data["net"], data["tax"])
    if data["country"] != "home":
        price = await add(price, 20)
    if price > 100:
        price = await add(price, 1)
        approved = True
    return {"id": data["id"], "price": price, "approved": approved}


@workflow(name="python/loop")
async def loop(payload: dict[str, Any]) -> dict[str, Any]:
    total = 0
    for item in payload["items"]:
        total = await add(total, item["n"])
    return {"total": total}


CASES: dict[str, tuple[WorkflowDefinition[..., Any], str, dict[str, Any], Any]] = {
    "three steps, a condition, a switch": (
        order,
        ORDER,
        {"order": {"id": "a-17", "net": 100, "tax": 19, "country": "abroad", "lines": ["x"] * 10}},
        {"id": "a-17", "price": 140, "approved": True},
    ),
    "a loop of ten steps": (loop, LOOP, {"items": [{"n": n} for n in range(10)]}, {"total": 45}),
}


async def cost(definition: WorkflowDefinition[..., Any], payload: Any, expected: Any) -> float:
    """Return what a run takes of the processor, in µs, when many are started at a time."""
    async with WorkflowEngine("sqlite://", workflows=[definition], max_concurrent_workflows=AT_ONCE) as engine:

        async def some(count: int) -> None:
            for _ in range(count):
                result = await (await engine.start(definition.name, payload)).result()
                assert result == expected, result

        await some(20)
        begun = time.process_time()
        await asyncio.gather(*(some(RUNS // AT_ONCE) for _ in range(AT_ONCE)))
        return (time.process_time() - begun) / RUNS * 1e6


def loading(text: str) -> float:
    """Return the best of several rounds of reading a document, in µs."""
    return min(_timed(lambda: load_document(text)) for _ in range(20)) * 1e6


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


async def main() -> None:
    """Print the figures: the best of several rounds, the two taken by turns, and the ratio in the middle of all rounds."""
    for number, (what, (python, text, payload, expected)) in enumerate(CASES.items()):
        source = HEAD.format(name=f"case-{number}") + text
        document = load_document(source).as_workflow(Steps([add]))
        rounds = [
            (await cost(python, payload, expected), await cost(document, payload, expected)) for _ in range(ROUNDS)
        ]
        peer, ours = (min(times) for times in zip(*rounds, strict=True))
        middle = median(taken / other for other, taken in rounds)
        print(
            f"{what}: in Python {peer:.0f} µs a run; as a document {ours:.0f} µs, {ours / peer:.2f} x "
            f"(median of {ROUNDS} rounds: {middle:.2f} x; goal: at most 3)"
        )
        print(f"  reading the document, expressions compiled before: {loading(source):.0f} µs")


if __name__ == "__main__":
    asyncio.run(main())
