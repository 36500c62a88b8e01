from collections.abc import Callable
from typing import Any

import pytest

from maestro_workflow_engine import step
from maestro_workflow_engine.dsl import DocumentError

NOTES: list[str] = []


@step
async def note(what: str) -> str:
    NOTES.append(what)
    return "noted"


@pytest.fixture(autouse=True)
def notes() -> list[str]:
    NOTES.clear()
    return NOTES


LOGGING = """
use:
  extensions:
    - logging:
        extend: {extend}
        before: [{{b: {{call: note, with: {{what: '${{ "before " + $task.reference }}'}}}}}}]
        after: [{{a: {{call: note, with: {{what: '${{ "after " + $task.name + " " + (. | tojson) }}'}}}}}}]
"""


def test_tasks_run_before_and_after(run: Callable[..., Any], notes: list[str]) -> None:
    """An extension runs around every task; `$task` is the extended one; the data goes through untouched."""
    source = (
        LOGGING.format(extend="all")
        + "do: [{one: {set: {n: '${ .n + 1 }'}}}, {two: {do: [{three: {set: {m: '${ .n }'}}}]}}]"
    )
    assert run(source, {"n": 1}, steps=[note]).output == {"m": 2}
    assert notes == [
        "before /do/0/one",
        'after one {"n":2}',
        "before /do/1/two",
        "before /do/1/two/do/0/three",
        'after three {"m":2}',
        'after two {"m":2}',
    ]


@pytest.mark.parametrize(
    ("extend", "extended"),
    [("set", ["s"]), ("composite", ["d", "f"]), ("wait", ["w"]), ("for", ["l"]), ("switch", []), ("try", ["t"])],
)
def test_extend_chooses_a_kind_of_task(
    run: Callable[..., Any], notes: list[str], extend: str, extended: list[str]
) -> None:
    """`extend` names a kind; "composite" is do and fork."""
    source = LOGGING.format(extend=extend) + (
        "do: [{s: {set: {a: 1}}}, {d: {do: []}}, {f: {fork: {branches: []}}}, {w: {wait: PT0.001S}}, "
        "{l: {for: {in: '${ [] }'}, do: []}}, {t: {try: [], catch: {}}}]"
    )
    run(source, steps=[note])
    assert [line.split()[1] for line in notes if line.startswith("after")] == extended


def test_a_skipped_task_is_not_extended(run: Callable[..., Any], notes: list[str]) -> None:
    """A task whose `if` does not hold has nothing before or after it."""
    run(LOGGING.format(extend="all") + "do: [{a: {if: 'false', set: {x: 1}}}]", steps=[note])
    assert notes == []


def test_functions_inside_extensions_are_not_extended(run: Callable[..., Any], notes: list[str]) -> None:
    """What an extension's tasks call is not extended either: no extension extends itself without end."""
    source = (
        "use: {functions: {f: {do: [{n: {call: note, with: {what: x}}}]}}, "
        "extensions: [{e: {extend: all, before: [{b: {call: f}}]}}]}\ndo: [{a: {set: {x: 1}}}]"
    )
    run(source, steps=[note])
    assert notes == ["x"]


MOCK = """
use: {extensions: [{mock: {extend: call, when: '$task.with.what == "mocked"',
  before: [{m: {set: {mocked: true}, then: exit}}, {never: {set: {no: 1}}}]}}]}
"""


def test_exit_stands_in_for_the_task(run: Callable[..., Any], notes: list[str]) -> None:
    """`then: exit` before a task gives its output in the task's place, and the task's transformations apply to it."""
    source = MOCK + (
        "do: [{a: {call: note, with: {what: mocked}, output: {as: '{got: .}'}, export: {as: $output}}}, "
        "{b: {call: note, with: {what: real}}}, {c: {set: {exported: '${ $context }', b: '${ . }'}}}]"
    )
    assert run(source, steps=[note]).output == {"exported": {"got": {"mocked": True}}, "b": "noted"}
    assert notes == ["real"]


def test_exit_after_replaces_the_output(run: Callable[..., Any]) -> None:
    """`then: exit` after a task replaces its output; otherwise what runs after is dropped."""
    source = (
        "use: {extensions: [{e: {extend: set, after: [{r: {set: {was: '${ . }'}, then: exit}}]}}]}\n"
        "do: [{a: {set: {x: 1}}}]"
    )
    assert run(source).output == {"was": {"x": 1}}


def test_extensions_run_in_order_and_the_first_exit_wins(run: Callable[..., Any], notes: list[str]) -> None:
    """Several extensions of a task run in the order of the document."""
    one = "{{e{n}: {{extend: set, before: [{{b: {{call: note, with: {{what: b{n}}}, then: {then}}}}}], after: [{{a: {{call: note, with: {{what: a{n}}}}}}}]}}}}"
    extensions = ", ".join(one.format(n=n, then=then) for n, then in ((1, "continue"), (2, "exit"), (3, "continue")))
    assert run(f"use: {{extensions: [{extensions}]}}\ndo: [{{a: {{set: {{x: 1}}}}}}]", steps=[note]).output == "noted"
    assert notes == ["b1", "b2", "a1", "a2", "a3"]


def test_an_error_before_a_task_is_an_error(fails: Callable[..., Any]) -> None:
    """An error in an extension is raised where the extension stands."""
    error = fails(
        "use: {extensions: [{guard: {extend: set, before: [{no: {raise: {error: {type: 'urn:no', status: 403}}}}]}}]}\n"
        "do: [{a: {set: {x: 1}}}]"
    )
    assert (error["status"], error["instance"]) == (403, "/use/extensions/0/guard/before/0/no")


def test_faults_of_extensions(load: Callable[..., Any]) -> None:
    """Extensions are checked like everything else."""
    with pytest.raises(DocumentError) as caught:
        load("use: {extensions: [{a: {extend: calls}}, {b: {before: [{x: {sett: 1}}]}}]}\ndo: []")
    told = [str(fault) for fault in caught.value.faults]
    assert any("did you mean 'call'" in line for line in told)
    assert any("'extend' is missing" in line for line in told)
    assert any("did you mean 'set'" in line for line in told)
