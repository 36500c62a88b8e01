"""Iteration patterns: 10, 21 and 22."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pattern_driving import Case, task, work

from maestro_workflow_engine import step, workflow
from maestro_workflow_engine.dsl import Steps, load_document


@step
async def leaking(times: int) -> bool:
    await work("measure")
    return times > 0


@workflow
async def checked_first(leaks: int) -> None:
    while await leaking(leaks):
        await task("mend")
        leaks -= 1
    await task("certify")


async def test_21_structured_loop_tested_before(case: Case):
    """The condition is asked before each round, so that there may be none."""
    await case.start(checked_first, 2)
    await case.complete("mend", "mend", "certify")
    await case.result()
    assert case.done == ["measure", "mend", "measure", "mend", "measure", "certify"]


async def test_21_structured_loop_without_a_round(case: Case):
    """A loop whose condition does not hold at first runs no round."""
    await case.start(checked_first, 0)
    assert await case.enabled() == ["certify"]


@workflow
async def checked_last(leaks: int) -> None:
    while True:
        await task("mend")
        leaks -= 1
        if not await leaking(leaks):
            break
    await task("certify")


async def test_21_structured_loop_tested_behind(case: Case):
    """The condition is asked behind each round, so that there is one at least."""
    await case.start(checked_last, 1)
    assert await case.enabled() == ["mend"]
    await case.complete("mend", "certify")
    await case.result()
    assert case.done == ["mend", "measure", "certify"]


@workflow
async def dismantle(depth: int) -> int:
    await task("open")
    parts = 1 + (await dismantle(depth - 1) if depth else 0)
    await task("clean")
    return parts


async def test_22_recursion(case: Case):
    """A workflow calls itself until a condition ends it; each level is a run of its own, and waits for the one below."""
    await case.start(dismantle, 2)
    await case.complete("open")
    (below,) = await case.children()
    await case.complete("open", run=below)
    (lowest,) = await case.children(below)
    await case.complete("open", "clean", run=lowest)
    assert await case.enabled() == []
    await case.complete("clean", run=below)
    await case.complete("clean")
    assert await case.result() == 3
    assert case.done == ["open", "open", "open", "clean", "clean", "clean"]


ARBITRARY_CYCLE = """
document: {dsl: 1.0.3, namespace: patterns, name: arbitrary-cycle, version: 1.0.0}
do:
  - enter: {switch: [{late: {when: '.enter == "B"', then: b}}, {early: {then: a}}]}
  - a: {call: work, with: {name: A}, export: {as: '${ $context + {a: (($context.a // 0) + 1)} }'}}
  - behind-a: {switch: [{out: {when: '$context.a >= 2', then: x}}, {on: {then: pause}}]}
  - pause: {wait: {hours: 1}}
  - b: {call: work, with: {name: B}, export: {as: '${ $context + {b: (($context.b // 0) + 1)} }'}}
  - behind-b: {switch: [{out: {when: '$context.b >= 2', then: y}}, {on: {then: a}}]}
  - x: {call: work, with: {name: X}, then: end}
  - y: {call: work, with: {name: Y}, then: end}
"""


@pytest.mark.parametrize(("enter", "path"), [("A", "ABAX"), ("B", "BABY")])
async def test_10_arbitrary_cycles(case: Case, enter: str, path: str):
    """In a document, a cycle is entered at either of two tasks, and left behind either of them."""
    cycle = load_document(ARBITRARY_CYCLE).as_workflow(Steps([work]))
    await case.start(cycle, {"enter": enter})
    await case.sleep(timedelta(hours=1))
    await case.sleep(timedelta(hours=1))
    await case.result()
    assert "".join(case.done) == path
