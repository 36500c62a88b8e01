"""`evaluate.mode`: which text is an expression, strictly and loosely."""

from collections.abc import Callable
from typing import Any

import pytest

from maestro_workflow_engine.dsl import DocumentError, TaskError

LOOSE = "evaluate: {mode: loose}\n"


@pytest.mark.parametrize(
    ("text", "strict", "loose"),
    [
        ("${ .n }", 1, 1),
        ("  ${ .n }  ", 1, 1),
        (".n", ".n", 1),
        (".n + 1", ".n + 1", 2),
        ("$context", "$context", None),
        ("hello", "hello", "hello"),
        ("Hello, world!", "Hello, world!", "Hello, world!"),
        ("Hello ${ .n }", "Hello ${ .n }", "Hello ${ .n }"),
        (".text.a", ".text.a", ".text.a"),
        ("42", "42", 42),
        ("", "", ""),
        ("now", "now", "now"),
        ("$unknown", "$unknown", "$unknown"),
    ],
)
def test_loose_mode_evaluates_whatever_it_can(execute: Callable[..., Any], text: str, strict: Any, loose: Any) -> None:
    """In strict mode only `${ }` marks an expression; in loose mode any text is tried, and stays text where that fails."""
    source = f"do: [{{a: {{set: {{x: {text!r}}}}}}}]"
    data = {"n": 1, "text": "t"}
    assert execute("evaluate: {mode: strict}\n" + source, data) == {"x": strict}
    assert execute(source, data) == {"x": strict}
    assert execute(LOOSE + source, data) == {"x": loose}


def test_a_failing_expression_becomes_its_text_in_loose_mode(execute: Callable[..., Any]) -> None:
    """An expression in `${ }` that fails gives the text as it was written; in strict mode that is an error."""
    source = "do: [{a: {set: {x: '${ .text.a }', y: '${ .a | error }', z: '${ [range(3)] | error }'}}}]"
    assert execute(LOOSE + source, {"text": "t"}) == {
        "x": "${ .text.a }",
        "y": "${ .a | error }",
        "z": "${ [range(3)] | error }",
    }
    with pytest.raises(TaskError):
        execute(source, {"text": "t"})


def test_conditions_are_strict_in_either_mode(execute: Callable[..., Any]) -> None:
    """A condition that fails is an error in loose mode as well: text in its place would always hold."""
    with pytest.raises(TaskError) as caught:
        execute(LOOSE + "do: [{a: {if: .text.a, set: {x: 1}}}]", {"text": "t"})
    assert caught.value.error.type.endswith("/expression")


def test_what_would_differ_on_replay_is_refused_in_loose_mode_too(load: Callable[..., Any]) -> None:
    """`${ now }` is refused when it is loaded, in either mode."""
    with pytest.raises(DocumentError, match="uses 'now'"):
        load(LOOSE + "do: [{a: {set: {x: '${ now }'}}}]")


def test_a_refused_builtin_is_told_with_its_place(load: Callable[..., Any]) -> None:
    """The fault names line and column in the document, and the character in the expression."""
    with pytest.raises(DocumentError) as caught:
        load("do:\n  - a:\n      set:\n        x: ${ .a + env.HOME }\n")
    [fault] = caught.value.faults
    assert (fault.path, fault.line, fault.column) == ("/do/0/a/set/x", 5, 9)
    assert "uses 'env' (character 6 of the expression)" in fault.message
