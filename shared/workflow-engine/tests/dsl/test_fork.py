from collections.abc import Callable
from typing import Any

import pytest

from maestro_workflow_engine.dsl import TaskError


def branches(*bodies: str, compete: bool = False) -> str:
    listed = ", ".join(f"{{b{index}: {body}}}" for index, body in enumerate(bodies))
    return f"do: [{{f: {{fork: {{compete: {str(compete).lower()}, branches: [{listed}]}}}}}}]"


def slow(milliseconds: int, then: str) -> str:
    return f"{{do: [{{w: {{wait: {{milliseconds: {milliseconds}}}}}}}, {{t: {then}}}]}}"


RAISE = "{raise: {error: {type: 'a:b', status: %d}}}"
SET = "{set: {n: %d, in: '${ .x }'}}"


def test_branches_join_in_the_order_of_declaration(execute: Callable[..., Any]) -> None:
    """The output lists every branch's output as declared, whichever ended first; all see the same input."""
    source = branches(slow(30, SET % 0), slow(1, SET % 1), SET % 2)
    assert execute(source, {"x": 7}) == [{"n": 0, "in": 7}, {"n": 1, "in": 7}, {"n": 2, "in": 7}]


def test_no_branches_give_an_empty_list(execute: Callable[..., Any]) -> None:
    """A fork without branches outputs an empty list."""
    assert execute(branches()) == []


def test_branches_run_at_the_same_time(simulate: Callable[..., Any]) -> None:
    """Waiting branches take as long as the longest, not as all together."""
    simulation = simulate(branches(slow(3000, SET % 0), slow(5000, SET % 1), slow(4000, SET % 2)), {})
    assert simulation.elapsed == pytest.approx(5)


def test_a_failing_branch_fails_the_fork_and_stops_the_others(simulate: Callable[..., Any]) -> None:
    """Joined branches all have to succeed: the first error is the task's, and nobody else goes on."""
    simulation = simulate(branches(slow(60000, SET % 0), slow(1000, RAISE % 41), slow(2000, RAISE % 42)))
    assert (simulation.error.error.status, simulation.elapsed) == (41, pytest.approx(1))
    assert simulation.error.error.instance == "/do/0/f/fork/branches/1/b1/do/1/t"


def test_the_first_to_finish_wins_and_the_rest_is_cancelled(
    execute: Callable[..., Any], simulate: Callable[..., Any]
) -> None:
    """Racing branches give the winner's output alone; what a loser would have done later does not happen."""
    loser = "{do: [{w: {wait: PT1H}}, {e: {set: {}, export: {as: '{lost: true}'}}}]}"
    source = branches(loser.replace("{}", "{a: 1}"), slow(1, SET % 1), compete=True)
    assert execute(source, {"x": 7}) == {"n": 1, "in": 7}
    later = source[:-1] + ", {w: {wait: PT2H}}, {c: {set: {context: '${ $context }'}}}]"
    assert simulate(later, {}).output == {"context": None}


def test_the_first_declared_wins_a_tie(execute: Callable[..., Any]) -> None:
    """Of branches that finish at once the one declared first wins, every time."""
    assert execute(branches(SET % 0, SET % 1, compete=True), {}) == {"n": 0, "in": None}


def test_a_branch_that_fails_has_lost(simulate: Callable[..., Any]) -> None:
    """An error takes a racing branch out of the race; only when all fail does the task, with the first branch's."""
    simulation = simulate(branches(slow(1, RAISE % 41), slow(5000, SET % 1), compete=True), {})
    assert (simulation.output, simulation.elapsed) == ({"n": 1, "in": None}, pytest.approx(5))
    failed = simulate(branches(slow(2000, RAISE % 41), slow(1000, RAISE % 42), compete=True))
    assert (failed.error.error.status, failed.elapsed) == (41, pytest.approx(2))


def test_a_fork_can_be_interrupted(execute: Callable[..., Any]) -> None:
    """A timeout around a fork stops all of its branches."""
    source = branches(slow(600000, SET % 0), slow(600000, SET % 1)).replace("{f: {", "{f: {timeout: {after: PT0.02S}, ")
    with pytest.raises(TaskError) as caught:
        execute(source, {})
    assert (caught.value.error.status, caught.value.error.instance) == (408, "/do/0/f")


def test_branches_see_what_encloses_the_fork(execute: Callable[..., Any]) -> None:
    """Loop variables and the context reach into branches."""
    source = """
do:
  - seed: {set: {l: []}, export: {as: '{c: 9}'}}
  - loop:
      for: {in: '[1, 2]'}
      do: [{f: {fork: {branches: [{a: {set: '${ [$item, $index, $context.c] }'}}]}, output: {as: '{l: ($input.l + .)}'}}}]
output: {as: .l}
"""
    assert execute(source) == [[1, 0, 9], [2, 1, 9]]
