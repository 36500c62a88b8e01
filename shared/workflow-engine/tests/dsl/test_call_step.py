from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from maestro_workflow_engine import step
from maestro_workflow_engine.dsl import TaskError


class Order(BaseModel):
    id: str
    items: list[int] = []


@step
async def pay(order: Order, factor: int = 1) -> int:
    return sum(order.items) * factor


@step(name="acme/ping-it")
def ping() -> str:
    return "pong"


def test_arguments_go_by_name_and_results_come_back_as_json(execute: Callable[..., Any]) -> None:
    """`with` names the step's arguments, expressions in them evaluated; a model as result becomes JSON."""

    @step(name="order")
    async def order(ident: str, items: list[int]) -> Order:
        return Order(id=ident, items=items)

    source = "do: [{p: {call: order, with: {ident: '${ .id }', items: [1, '${ .n }']}}}]"
    assert execute(source, {"id": "a", "n": 2}, steps=[order]) == {"id": "a", "items": [1, 2]}


def test_a_plain_step_without_arguments_needs_no_with(execute: Callable[..., Any]) -> None:
    """A step is called by its own name, whatever that is; without `with` it gets no arguments."""
    assert execute("do: [{p: {call: acme/ping-it}}]", {"x": 1}, steps=[ping]) == "pong"


@pytest.mark.parametrize("arguments", ["{}", "{ordr: 1}", "{order: {}, extra: 1}"])
def test_wrong_arguments_are_an_error_of_the_task(execute: Callable[..., Any], arguments: str) -> None:
    """Arguments that do not fit the step raise a standard error at the calling task."""
    with pytest.raises(TaskError) as caught:
        execute(f"do: [{{p: {{call: pay, with: {arguments}}}}}]", steps=[pay])
    assert caught.value.error.type.endswith("/runtime")
    assert caught.value.error.instance == "/do/0/p"
    assert "step 'pay'" in str(caught.value)


def test_a_result_that_is_no_json_is_an_error_of_the_task(execute: Callable[..., Any]) -> None:
    """A step that returns something without a JSON form fails the task, not the engine."""

    @step(name="odd")
    async def odd() -> object:
        return object()

    with pytest.raises(TaskError) as caught:
        execute("do: [{p: {call: odd}}]", steps=[odd])
    assert caught.value.error.instance == "/do/0/p"
