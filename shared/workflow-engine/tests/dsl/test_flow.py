from collections.abc import Callable
from typing import Any

import pytest

from maestro_workflow_engine.dsl import TaskError

COLORS = """
do:
  - red: {set: {colors: '${ .colors + ["red"] }'}%s}
  - green: {set: {colors: '${ .colors + ["green"] }'}%s}
  - blue: {set: {colors: '${ .colors + ["blue"] }'}%s}
"""


@pytest.mark.parametrize(
    ("directives", "expected"),
    [
        (("", "", ""), ["red", "green", "blue"]),
        ((", then: continue", "", ""), ["red", "green", "blue"]),
        ((", then: blue", "", ""), ["red", "blue"]),
        ((", then: exit", "", ""), ["red"]),
        ((", then: end", "", ""), ["red"]),
        ((", then: blue", ", then: end", ", then: green"), ["red", "blue", "green"]),
    ],
)
def test_directives_in_the_main_list(
    execute: Callable[..., Any], directives: tuple[str, str, str], expected: list[str]
) -> None:
    """`continue` goes on, a name goes there (back too), `exit` and `end` in the main list end the workflow."""
    assert execute(COLORS % directives) == {"colors": expected}


@pytest.mark.parametrize(("then", "expected"), [("exit", ["in", "after"]), ("end", ["in"])])
def test_exit_leaves_the_list_and_end_the_workflow(execute: Callable[..., Any], then: str, expected: list[str]) -> None:
    """In a nested list `exit` ends that list, with its parent going on; `end` ends everything at once."""
    source = f"""
do:
  - outer:
      do:
        - inner: {{set: {{l: '${{ .l + ["in"] }}'}}, then: {then}}}
        - never: {{set: {{l: never}}}}
      output: {{as: '.'}}
  - after: {{set: {{l: '${{ .l + ["after"] }}'}}}}
output: {{as: .l}}
"""
    assert execute(source) == expected


@pytest.mark.parametrize(
    "inner",
    [
        "{do: [{x: {set: {gone: true}, then: end}}], output: {as: '{}'}}",
        "{for: {in: '[1, 2]'}, do: [{x: {set: {gone: true}, then: end}}]}",
        "{try: [{x: {set: {gone: true}, then: end}}], catch: {do: []}}",
        "{try: [{x: {raise: {error: {type: 'a:b', status: 1}}}}], catch: {do: [{y: {set: {gone: true}, then: end}}]}}",
        "{fork: {branches: [{x: {do: [{z: {set: {gone: true}, then: end}}]}}, {y: {wait: PT10S}}]}}",
        "{fork: {branches: [{x: {set: {gone: true}, then: end}}, {y: {wait: PT10S}}]}}",
        "{switch: [{x: {when: 'true', then: end}}], input: {from: '{gone: true}'}}",
    ],
)
def test_end_unwinds_every_kind_of_task(execute: Callable[..., Any], inner: str) -> None:
    """`end` inside a list, loop, try, catch or branch ends the workflow with that task's output, errors aside."""
    source = f"do:\n  - outer: {inner}\n  - never: {{set: {{l: never}}}}\noutput: {{as: .gone}}\n"
    assert execute(source) is True


def test_an_empty_list_passes_its_input_on(execute: Callable[..., Any]) -> None:
    """A workflow or task without tasks gives what it was given."""
    assert execute("do: []", {"a": 1}) == {"a": 1}
    assert execute("do: [{x: {do: []}}]", 5) == 5


@pytest.mark.parametrize(
    "endless",
    [
        "[{a: {set: {n: 1}, then: a}}]",
        "[{a: {try: [{b: {raise: {error: {type: 'a:b', status: 1}}}}], catch: {retry: {}}}}]",
    ],
)
def test_a_loop_that_never_waits_can_be_interrupted(execute: Callable[..., Any], endless: str) -> None:
    """A document that goes round in circles without waiting leaves others, and its own timeout, a chance."""
    with pytest.raises(TaskError) as caught:
        execute(f"timeout: {{after: PT0.1S}}\ndo: {endless}")
    assert caught.value.error.status == 408
