"""The simple kinds of tasks: do, set, switch, for, raise, wait, and timeouts around them."""

from collections.abc import Callable
from typing import Any

import pytest

from maestro_workflow_engine.dsl import TaskError

PREFIX = "https://open-workflow-specification.org/spec/1.0.0/errors/"


def test_set_replaces_the_data(execute: Callable[..., Any]) -> None:
    """`set` outputs what it says and nothing of what came in; text without `${ }` is literal."""
    source = "do: [{a: {set: {n: '${ .x.y }', list: [1, '${ .x }', {deep: '${ $input.z }'}], text: .x.y, none: null}}}]"
    assert execute(source, {"x": {"y": 2}, "z": 3}) == {
        "n": 2,
        "list": [1, {"y": 2}, {"deep": 3}],
        "text": ".x.y",
        "none": None,
    }


def test_set_takes_a_whole_expression(execute: Callable[..., Any]) -> None:
    """`set: ${ … }` outputs the expression's value, of whatever kind."""
    assert execute("do: [{a: {set: '${ [.a, .b] }'}}]", {"a": 1, "b": 2}) == [1, 2]


SWITCH = """
do:
  - choose:
      switch:
        - rest: {then: other}
        - red: {when: .color == "red", then: red}
        - also: {when: '${ .color | startswith("r") }', then: other}
  - red: {set: {is: red, was: '${ . }'}, then: end}
  - other: {set: {is: other}}
"""


def test_switch_takes_the_first_case_that_holds(execute: Callable[..., Any]) -> None:
    """Cases are tried in order, the one without `when` last wherever it stands; the input passes on."""
    assert execute(SWITCH, {"color": "red"}) == {"is": "red", "was": {"color": "red"}}
    assert execute(SWITCH, {"color": "rose"}) == {"is": "other"}
    assert execute(SWITCH, {"color": "blue"}) == {"is": "other"}


def test_a_switch_without_a_match_follows_its_own_then(execute: Callable[..., Any]) -> None:
    """Where no case holds the task's own `then` counts; a case that holds overrides it."""
    source = """
do:
  - choose: {switch: [{a: {when: .go, then: continue}}], then: end}
  - next: {set: {went: true}}
"""
    assert execute(source, {"go": False}) == {"go": False}
    assert execute(source, {"go": True}) == {"went": True}


def test_for_hands_each_rounds_output_to_the_next(execute: Callable[..., Any]) -> None:
    """Each round gets the round before's output; item and index are variables, `item` and `index` by default."""
    source = """
do:
  - loop:
      for: {in: .items}
      do:
        - add: {set: {sum: '${ (.sum // 0) + $item }', at: '${ .at + [$index] }'}}
"""
    assert execute(source, {"items": [5, 6, 7]}) == {"sum": 18, "at": [0, 1, 2]}
    assert execute(source, {"items": []}) == {"items": []}


def test_for_names_its_variables_and_stops_when_told(execute: Callable[..., Any]) -> None:
    """`each` and `at` name the variables everywhere inside, `while` is asked before each round and sees them."""
    source = """
do:
  - outer:
      for: {each: row, at: y, in: .rows}
      while: $y < 2
      do:
        - inner:
            for: {each: cell, at: x, in: $row}
            do: [{add: {if: $cell > 0, set: {seen: '${ .seen + [[$y, $x, $cell]] }'}}}]
"""
    assert execute(source, {"rows": [[1, 0], [2], [3]]}) == {"seen": [[0, 0, 1], [1, 0, 2]]}


def test_for_takes_an_inline_list_and_exit_ends_a_round(execute: Callable[..., Any]) -> None:
    """The collection may stand in the document, expressions in it; `exit` ends the round, not the loop."""
    source = """
do:
  - loop:
      for: {in: [{n: 1}, {n: '${ .two }'}, {n: 3}]}
      do:
        - keep: {set: {two: 2, l: '${ .l + [$item.n] }'}}
        - odd: {if: $item.n == 2, set: '${ . }', then: exit}
        - mark: {set: {two: 2, l: '${ .l + ["odd"] }'}}
output: {as: .l}
"""
    assert execute(source, {"two": 2}) == [1, "odd", 2, 3, "odd"]


def test_for_wants_a_list(execute: Callable[..., Any]) -> None:
    """A collection that is no list is an expression error of the loop's task."""
    with pytest.raises(TaskError, match=r"'for.in' gave a mapping") as caught:
        execute("do: [{a: {for: {in: .}, do: []}}]", {})
    assert caught.value.error.type == PREFIX + "expression"


def test_raise_raises_the_error_with_the_tasks_pointer(execute: Callable[..., Any]) -> None:
    """An uncaught error fails the run and is kept whole: type, status, title, detail, and the task as its instance."""
    source = """
use: {errors: {broken: {type: 'https://example.com/broken', status: 418, title: Broken, detail: '${ "n is \\(.n)" }'}}}
do: [{outer: {do: [{inner: {raise: {error: broken}}}]}}]
"""
    with pytest.raises(TaskError) as caught:
        execute(source, {"n": 7})
    assert caught.value.error.as_dict() == {
        "type": "https://example.com/broken",
        "status": 418,
        "title": "Broken",
        "detail": "n is 7",
        "instance": "/do/0/outer/do/0/inner",
    }


def test_raise_keeps_an_instance_of_its_own(execute: Callable[..., Any]) -> None:
    """An instance that the author gives stands; members that are not given are absent."""
    with pytest.raises(TaskError) as caught:
        execute("do: [{a: {raise: {error: {type: 'a:b', status: 400, instance: /mine}}}}]")
    assert caught.value.error.as_dict() == {"type": "a:b", "status": 400, "instance": "/mine"}


def test_raise_wants_text(execute: Callable[..., Any]) -> None:
    """An error's member that evaluates to something else than text is an expression error."""
    with pytest.raises(TaskError, match="'title' must be text") as caught:
        execute("do: [{a: {raise: {error: {type: 'a:b', status: 400, title: '${ {} }'}}}}]")
    assert caught.value.error.type == PREFIX + "expression"


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("PT30S", 30),
        ("P1DT2H3M4.5S", 93784.5),
        ("P2W", 1209600),
        ("{days: 1, hours: 1, minutes: 1, seconds: 1, milliseconds: 500}", 90061.5),
        ("'${ .wait }'", 90),
        ("'${ {seconds: (.n * 2)} }'", 6),
    ],
)
def test_wait_waits(simulate: Callable[..., Any], duration: str, seconds: float) -> None:
    """`wait` takes units, ISO 8601 text, or an expression for one of them, and passes its input on."""
    simulation = simulate(f"do: [{{a: {{wait: {duration}}}}}]", {"wait": "PT1M30S", "n": 3})
    assert (simulation.output, simulation.elapsed) == ({"wait": "PT1M30S", "n": 3}, pytest.approx(seconds))


@pytest.mark.parametrize("value", [5, "soon", {"weeks": 1}, "P1Y"])
def test_wait_wants_a_duration(simulate: Callable[..., Any], value: object) -> None:
    """An expression that gives no duration is an expression error of the task."""
    error = simulate("do: [{a: {wait: '${ .v }'}}]", {"v": value}).error.error
    assert (error.type, error.instance) == (PREFIX + "expression", "/do/0/a")


def test_waits_work_on_the_engine(execute: Callable[..., Any]) -> None:
    """A wait is a durable timer on the engine, and a plain one elsewhere."""
    assert execute("do: [{a: {wait: {milliseconds: 20}}}]", 1) == 1


@pytest.mark.parametrize("reference", ["{after: {milliseconds: 50}}", "short", "{after: '${ .limit }'}"])
def test_a_task_that_takes_too_long_is_interrupted(execute: Callable[..., Any], reference: str) -> None:
    """A task's timeout, given or by name, raises the standard error "timeout" with the task as its instance."""
    source = f"""
use: {{timeouts: {{short: {{after: PT0.05S}}}}}}
do: [{{a: {{timeout: {reference}, do: [{{b: {{wait: PT1H}}}}]}}}}]
"""
    with pytest.raises(TaskError) as caught:
        execute(source, {"limit": "PT0.05S"})
    error = caught.value.error
    assert (error.type, error.status, error.instance) == (PREFIX + "timeout", 408, "/do/0/a")


def test_a_named_timeout_serves_the_workflow_too(simulate: Callable[..., Any]) -> None:
    """A timeout under `use`, an expression in it, limits tasks and the workflow alike."""
    use = "use: {timeouts: {given: {after: '${ $workflow.input.limit }'}}}\n"
    for source, instance in (
        ("do: [{a: {timeout: given, wait: PT1H}}]", "/do/0/a"),
        ("timeout: given\ndo: [{a: {wait: PT1H}}]", "/"),
    ):
        simulation = simulate(use + source, {"limit": "PT5S"})
        assert (simulation.error.error.instance, simulation.elapsed) == (instance, pytest.approx(5))


def test_a_workflow_that_takes_too_long_is_interrupted(simulate: Callable[..., Any]) -> None:
    """The workflow's own timeout ends it, even inside a task that catches every error."""
    source = "timeout: {after: PT1M}\ndo: [{a: {try: [{b: {wait: PT1H}}], catch: {do: []}}}]"
    simulation = simulate(source)
    assert (simulation.error.error.type, simulation.error.error.instance) == (PREFIX + "timeout", "/")
    assert simulation.elapsed == pytest.approx(60)


def test_a_timeout_inside_can_be_caught(simulate: Callable[..., Any]) -> None:
    """An inner task's timeout is an error like others; the outer timeout goes on counting."""
    source = """
do:
  - a:
      timeout: {after: PT10M}
      try: [{b: {timeout: {after: PT1M}, wait: PT1H}}]
      catch: {errors: {with: {status: 408}}, do: [{c: {set: {caught: '${ $error.instance }'}}}]}
"""
    simulation = simulate(source)
    assert (simulation.output, simulation.elapsed) == ({"caught": "/do/0/a/try/0/b"}, pytest.approx(60))
