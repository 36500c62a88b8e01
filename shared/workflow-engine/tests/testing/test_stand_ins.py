from __future__ import annotations

from datetime import timedelta
from unittest.mock import AsyncMock

import pytest

from maestro_core_logging.testing import capture_logs
from maestro_workflow_engine import (
    PayloadError,
    RetryPolicy,
    StepFailedError,
    WorkflowDefinitionError,
    WorkflowEngine,
    WorkflowFailedError,
    step,
    step_info,
    workflow,
)
from maestro_workflow_engine.dsl import Steps, load_document


@step(retry=RetryPolicy(max_attempts=3, initial_interval=timedelta(hours=1)))
async def charge(order_id: str, cents: int, *, currency: str = "EUR") -> str:
    raise AssertionError("the real step must not run")


@workflow
async def fulfil(order_id: str) -> str:
    return await charge(order_id, 1250, currency="USD")


async def _run(steps):
    async with WorkflowEngine.test([fulfil], steps=steps) as engine:
        return await (await engine.start(fulfil, "17", id="r")).result()


async def test_a_function_runs_in_place_of_a_step():
    """The stand-in gets the step's arguments, and its result is the step's."""

    async def fake(order_id: str, cents: int, *, currency: str) -> str:
        return f"{order_id} {cents} {currency} {step_info().idempotency_key}"

    assert await _run({charge: fake}) == "17 1250 USD r/1"


async def test_a_step_is_named_by_its_name_too():
    """A workflow whose step objects the test does not have at hand is given stand-ins by name."""
    assert await _run({"charge": lambda order_id, cents, currency: f"{order_id}:{cents}:{currency}"}) == "17:1250:USD"


async def test_a_mock_can_stand_in():
    """A mock takes any call and remembers it."""
    mock = AsyncMock(return_value="paid")
    assert await _run({charge: mock}) == "paid"
    mock.assert_awaited_once_with("17", 1250, currency="USD")


async def test_a_stand_in_is_retried_as_the_step_would_be():
    """The step's own retry policy applies to what stands in for it."""
    attempts: list[int] = []

    def fake(order_id: str, cents: int, currency: str) -> str:
        attempts.append(step_info().attempt)
        if len(attempts) < 3:
            raise OSError("declined")
        return "paid"

    assert await _run({charge: fake}) == "paid"
    assert attempts == [1, 2, 3]


@pytest.mark.parametrize(
    ("fake", "problem"),
    [
        (lambda order_id: "", "too many positional"),
        (lambda order_id, cents, currency, more: "", "missing a required argument: 'more'"),
        (lambda cents, order_id, currency: "", "'cents' where the step has 'order_id'"),
        (lambda order_id, cents: "", "unexpected keyword argument 'currency'"),
        ("paid", "is no function"),
    ],
)
async def test_a_function_that_cannot_be_called_as_the_step_is_refused(fake, problem):
    """The error names the step, the difference and both signatures, before anything runs."""
    with pytest.raises(WorkflowDefinitionError, match=problem) as caught:
        WorkflowEngine.test([fulfil], steps={charge: fake})
    assert "'charge'" in str(caught.value)


async def test_arguments_that_a_stand_in_does_not_use_may_be_underscored():
    """Names that begin with an underscore stand for any argument."""
    assert await _run({charge: lambda _order, _cents, **_: "paid"}) == "paid"


async def test_by_name_the_difference_shows_when_the_step_is_called():
    """A name tells no signature: the first call fails the run, without retries."""
    async with WorkflowEngine.test([fulfil], steps={"charge": lambda: "paid"}) as engine:
        handle = await engine.start(fulfil, "17")
        with pytest.raises(WorkflowFailedError, match="cannot be called as the step is"):
            await handle.result()
        assert [event.type for event in await handle.history()] == ["run_started", "step_failed", "run_failed"]


async def test_a_result_of_another_type_is_refused():
    """What the stand-in returns has to fit what the step declares."""
    with pytest.raises(WorkflowFailedError, match="the result of step 'charge'") as caught:
        await _run({charge: lambda *_, **__: 17})
    assert caught.value.failure.type.endswith(PayloadError.__name__)


async def test_what_is_no_step_cannot_be_replaced():
    """A plain function as the key is a mistake for the step made of it."""
    with pytest.raises(WorkflowDefinitionError, match="is no step"):
        WorkflowEngine.test(steps={fulfil: lambda: None})


async def test_a_name_that_no_step_had_is_told():
    """A misspelt name lets the real step run; closing the engine says which name it was."""
    with capture_logs() as logs, pytest.raises(WorkflowFailedError, match="must not run"):
        await _run({"chrage": lambda *_, **__: "paid"})
    assert [line["step"] for line in logs if line["event"].startswith("No step of this name")] == ["chrage"]


async def test_a_step_that_fails_for_good_has_its_record():
    """A stand-in's exception reaches the workflow as the step's own would."""

    @workflow
    async def careful() -> int:
        try:
            await charge("1", 2)  # the currency is left to the step's default
        except LookupError as error:
            return error.__cause__.attempts if isinstance(error.__cause__, StepFailedError) else -1
        return 0

    def refuse(order_id: str, cents: int, *, currency: str) -> str:
        assert (order_id, cents, currency) == ("1", 2, "EUR")
        raise LookupError("no such order")

    async with WorkflowEngine.test([careful], steps={charge: refuse}) as engine:
        assert await (await engine.start(careful)).result() == 3


async def test_a_document_runs_in_virtual_time_with_stand_ins():
    """A declarative workflow waits its weeks at once, and the steps it calls are stood in for."""
    document = load_document(
        "document: {dsl: '1.0.3', namespace: acme, name: dunning, version: 1.0.0}\n"
        "do: [{pause: {wait: P30D}}, {pay: {call: charge, with: {order_id: '${ .id }', cents: 5}}}]",
    )
    stand_ins = {charge: lambda order_id, cents, currency: f"{order_id} {cents} {currency}"}
    async with WorkflowEngine.test([document.as_workflow(Steps([charge]))], steps=stand_ins) as engine:
        begun = engine.time.now()
        handle = await engine.start("acme/dunning", {"id": "17"})
        assert await handle.result() == "17 5 EUR"
        assert engine.time.now() - begun == timedelta(days=30)
