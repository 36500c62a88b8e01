from collections.abc import Callable
from typing import Any

import pytest

from maestro_workflow_engine import StepDefinition, step
from maestro_workflow_engine.dsl import TaskError

PREFIX = "https://open-workflow-specification.org/spec/1.0.0/errors/"


def failing(times: int) -> tuple[StepDefinition[..., Any], list[int]]:
    """Make a step that fails so many times and counts its runs."""
    runs: list[int] = []

    @step(name="shaky")
    async def shaky() -> int:
        runs.append(len(runs))
        if len(runs) <= times:
            raise ConnectionError(f"failure {len(runs)}")
        return len(runs)

    return shaky, runs


def source(catch: str) -> str:
    return f"do: [{{t: {{try: [{{call: {{call: shaky}}}}], catch: {catch}}}}}, {{last: {{set: {{got: '${{ . }}'}}}}}}]"


def test_without_an_error_the_tasks_output_counts(execute: Callable[..., Any]) -> None:
    """A `try` whose tasks succeed outputs what they do; its catch does not run, nor does the catch's `then`."""
    shaky, runs = failing(0)
    assert execute(source("{do: [{x: {set: {no: 1}}}], then: end}"), steps=[shaky]) == {"got": 1}
    assert len(runs) == 1


def test_a_caught_error_without_a_handler_passes_the_input_on(execute: Callable[..., Any]) -> None:
    """Catching without tasks swallows the error: the task outputs its input."""
    shaky, _ = failing(9)
    assert execute(source("{}"), {"in": 1}, steps=[shaky]) == {"got": {"in": 1}}


def test_the_handler_sees_the_error_and_the_tasks_input(execute: Callable[..., Any]) -> None:
    """The handler's tasks get the task's input, and the error as `$error` or under the name that `as` gives."""
    shaky, _ = failing(9)
    got = execute(source("{do: [{x: {set: {e: '${ $error }', i: '${ . }'}}}]}"), {"in": 1}, steps=[shaky])["got"]
    assert got == {
        "e": {
            "type": PREFIX + "runtime",
            "status": 500,
            "title": "ConnectionError",
            "detail": "step 'shaky': failure 1",
            "instance": "/do/0/t/try/0/call",
        },
        "i": {"in": 1},
    }
    shaky, _ = failing(9)
    named = execute(source("{as: oops, do: [{x: {set: {s: '${ $oops.status }'}}}]}"), steps=[shaky])
    assert named == {"got": {"s": 500}}


@pytest.mark.parametrize(
    ("errors", "caught"),
    [
        ("{status: 500}", True),
        ("{status: 501}", False),
        (f"{{type: '{PREFIX}runtime'}}", True),
        ("{type: 'https://serverlessworkflow.io/spec/1.0.0/errors/runtime'}", True),
        ("{type: 'https://open-workflow-specification.org/dsl/errors/types/runtime'}", True),
        ("{type: 'https://serverlessworkflow.io/dsl/errors/types/runtime'}", True),
        (f"{{type: '{PREFIX}timeout'}}", False),
        ("{type: 'https://example.com/errors/types/runtime'}", False),
        ("{title: ConnectionError, status: 500}", True),
        ("{title: ConnectionError, status: 503}", False),
        ("{instance: /do/0/t/try/0/call}", True),
        ("{detail: \"step 'shaky': failure 1\"}", True),
        ("{detail: failure}", False),
    ],
)
def test_errors_are_filtered_by_their_members(simulate: Callable[..., Any], errors: str, caught: bool) -> None:
    """Every member that the filter names must be equal; standard types match under each of their addresses."""
    shaky, _ = failing(1)
    simulation = simulate(source(f"{{errors: {{with: {errors}}}, do: [{{x: {{set: {{c: 1}}}}}}]}}"), steps=[shaky])
    assert (simulation.error is None) is caught


@pytest.mark.parametrize(
    ("conditions", "caught"),
    [
        ("when: $error.status == 500", True),
        ("when: '${ $error.status == 501 }'", False),
        ("when: .patient", True),
        ("exceptWhen: $error.status == 500", False),
        ("exceptWhen: .missing", True),
        ("when: 'true', exceptWhen: 'true'", False),
    ],
)
def test_errors_are_filtered_by_condition(simulate: Callable[..., Any], conditions: str, caught: bool) -> None:
    """`when` and `exceptWhen` see the task's input and the error."""
    shaky, _ = failing(1)
    simulation = simulate(source(f"{{{conditions}}}"), {"patient": True}, steps=[shaky])
    assert (simulation.error is None) is caught


@pytest.mark.parametrize(
    ("policy", "elapsed"),
    [
        ("delay: PT3S", 9),
        ("delay: PT3S, backoff: {constant: {}}", 9),
        ("delay: PT3S, backoff: {linear: {}}", 3 + 6 + 9),
        ("delay: {seconds: 3}, backoff: {exponential: {}}", 3 + 6 + 12),
        ("delay: PT3S, jitter: {from: PT1S, to: PT3S}", 9 + 1 + 2 + 3),
        ("delay: '${ .delay }'", 6),
        ("backoff: {exponential: {}}", 0),
    ],
)
def test_retries_wait_as_the_policy_says(simulate: Callable[..., Any], policy: str, elapsed: float) -> None:
    """Three retries wait by delay, backoff and jitter; the last one's success is the output."""
    shaky, _ = failing(3)
    simulation = simulate(
        source(f"{{retry: {{{policy}, limit: {{attempt: {{count: 3}}}}}}}}"),
        {"delay": "PT2S"},
        steps=[shaky],
        chances=[0.0, 0.5, 1.0],
    )
    assert (simulation.output, simulation.elapsed) == ({"got": 4}, pytest.approx(elapsed))


@pytest.mark.parametrize("count", [0, 1, 5])
def test_the_attempt_count_counts_retries(simulate: Callable[..., Any], count: int) -> None:
    """`limit.attempt.count: n` means n retries after the first run; then, without a handler, the error goes on."""
    shaky, runs = failing(99)
    simulation = simulate(source(f"{{retry: {{limit: {{attempt: {{count: {count}}}}}}}}}"), steps=[shaky])
    assert len(runs) == 1 + count
    assert simulation.error.error.detail == f"step 'shaky': failure {1 + count}"


@pytest.mark.parametrize("handler", ["do: [{x: {set: {handled: true}}}]", "then: end"])
def test_the_handler_runs_when_retries_are_used_up(simulate: Callable[..., Any], handler: str) -> None:
    """Where there is a handler, retries come first and it ends the error that they did not cure."""
    shaky, runs = failing(99)
    simulation = simulate(source(f"{{retry: {{limit: {{attempt: {{count: 2}}}}}}, {handler}}}"), steps=[shaky])
    assert (len(runs), simulation.error) == (3, None)


def test_retries_end_when_their_time_is_up(simulate: Callable[..., Any]) -> None:
    """`limit.duration` allows no retry that would start later than that after the first run."""
    shaky, runs = failing(99)
    simulation = simulate(source("{retry: {delay: PT4S, limit: {duration: PT10S}}}"), steps=[shaky])
    assert (len(runs), simulation.elapsed) == (3, pytest.approx(8))


def test_a_retry_takes_no_longer_than_allowed(simulate: Callable[..., Any]) -> None:
    """`limit.attempt.duration` interrupts a retry with a timeout, which is caught and retried like other errors."""
    slow = """
do:
  - t:
      try:
        - first: {call: shaky}
        - second: {wait: PT1H}
      catch: {retry: {limit: {attempt: {count: 2, duration: PT1M}}}, do: [{x: {set: {last: '${ $error.type }'}}}]}
"""
    shaky, runs = failing(1)
    simulation = simulate(slow, steps=[shaky])
    assert (len(runs), simulation.output) == (3, {"last": PREFIX + "timeout"})
    assert simulation.elapsed == pytest.approx(120)


@pytest.mark.parametrize(
    ("condition", "runs_expected"),
    [("when: $error.status == 500", 4), ("when: $error.status == 501", 1), ("exceptWhen: .stop", 1)],
)
def test_retries_have_conditions(simulate: Callable[..., Any], condition: str, runs_expected: int) -> None:
    """A retry policy's own `when` and `exceptWhen` decide about retries, not about catching."""
    shaky, runs = failing(99)
    catch = f"{{retry: {{{condition}, limit: {{attempt: {{count: 3}}}}}}, do: []}}"
    assert simulate(source(catch), {"stop": True}, steps=[shaky]).output == {"got": {"stop": True}}
    assert len(runs) == runs_expected


def test_a_policy_is_used_by_name(simulate: Callable[..., Any]) -> None:
    """A policy under `use.retries` knows the error as `$error`, whatever the task calls it."""
    shaky, runs = failing(99)
    used = "use: {retries: {twice: {when: $error.status == 500, limit: {attempt: {count: 2}}}}}\n"
    simulate(used + source("{as: oops, retry: twice, do: []}"), steps=[shaky])
    assert len(runs) == 3


def test_a_retry_starts_over_with_the_same_input(execute: Callable[..., Any]) -> None:
    """A retry runs all tasks of the `try` again, on the `try` task's input."""
    shaky, _ = failing(2)
    twice = """
do:
  - t:
      try:
        - add: {set: {n: '${ .n + 1 }'}}
        - call: {call: shaky, output: {as: '{n: $input.n, runs: .}'}}
      catch: {retry: {delay: {milliseconds: 1}}}
"""
    assert execute(twice, {"n": 1}, steps=[shaky]) == {"n": 2, "runs": 3}


def test_then_of_the_catch_leads_on_from_a_caught_error(execute: Callable[..., Any]) -> None:
    """After a caught error the catch's `then` counts instead of the task's own."""
    flow = """
do:
  - t: {try: [{call: {call: shaky}}], catch: {then: recovered}, then: end}
  - skipped: {set: {skipped: true}}
  - recovered: {set: {recovered: true}}
"""
    assert execute(flow, steps=[failing(1)[0]]) == {"recovered": True}
    assert execute(flow, steps=[failing(0)[0]]) == 1


def test_an_error_in_the_handler_is_not_caught_by_it(execute: Callable[..., Any]) -> None:
    """What the handler's tasks raise goes on to the next `try` outside."""
    nested = """
do:
  - outer:
      try:
        - inner:
            try: [{call: {call: shaky}}]
            catch: {do: [{again: {raise: {error: {type: 'a:b', status: 42}}}}]}
      catch: {do: [{x: {set: {status: '${ $error.status }', at: '${ $error.instance }'}}}]}
"""
    assert execute(nested, steps=[failing(9)[0]]) == {"status": 42, "at": "/do/0/outer/try/0/inner/catch/do/0/again"}


def test_a_step_may_choose_its_error(execute: Callable[..., Any]) -> None:
    """A TaskError that a step raises is the error itself; a TimeoutError is the standard timeout."""

    @step(name="shaky")
    async def chooses() -> None:
        raise TaskError({"type": "https://example.com/full", "status": 507, "title": "Full"})

    with pytest.raises(TaskError) as caught:
        execute("do: [{a: {call: shaky}}]", steps=[chooses])
    assert caught.value.error.as_dict() == {
        "type": "https://example.com/full",
        "status": 507,
        "title": "Full",
        "instance": "/do/0/a",
    }

    @step(name="shaky")
    async def late() -> None:
        raise TimeoutError("too late")

    with pytest.raises(TaskError) as timeout:
        execute("do: [{a: {call: shaky}}]", steps=[late])
    assert (timeout.value.error.type, timeout.value.error.status) == (PREFIX + "timeout", 408)
