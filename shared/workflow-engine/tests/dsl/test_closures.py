"""Programs that run as Python closures give what jq gives, value for value and error for error."""

import inspect
import json
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from maestro_workflow_engine.dsl._closure_parser import closure_of
from maestro_workflow_engine.dsl._closures import UnsureError
from maestro_workflow_engine.dsl._expressions import (
    Expression,
    ExpressionError,
    HeavyExpressionError,
    compile_expression,
)
from maestro_workflow_engine.dsl._jq import JqError, compile_program
from maestro_workflow_engine.dsl._node import FaultLog, Node

SCOPE = frozenset({"context", "input"})
NAMES = st.sampled_from(["a", "b", "c"])

SCALARS = (
    st.none()
    | st.booleans()
    | st.sampled_from(
        [0, 1, -1, 0.5, 1.0, -0.0, 10**15, 2**53, 2**53 + 1, -(2**53), 2**63, 2**64, 10**30, 1e15, 1e22, 1e-9]
    )
    | st.integers(-100, 100)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "a", "b", "é", "\U0001f600", "\ud800", '"', "\\", "\\ud800", "\n", "\x7f", "1"])
    | st.text(max_size=4)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=2), inner, max_size=3)
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=3)

LITERALS = st.sampled_from(
    [
        "null",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "2",
        "0.5",
        "1.0",
        "-1.0",
        "1.50",
        "10",
        "999999999999999",
        '""',
        '"a"',
        '"é"',
    ]
)
PLACES = st.sampled_from(
    [
        ".",
        ".a",
        ".b",
        ".a.b",
        ".a.c.b",
        "$input",
        "$input.a",
        "$context",
        "$context.b.c",
        '.["a"]',
        '."a"',
        '.a."b"',
        ".[0]",
        ".a[0]",
        ".b[1]",
        ".a[-1]",
        ".a[0].b",
        '$input["é"]',
        "$input[0]",
        ".a.[0]",
    ]
)
INFIX = st.sampled_from(["+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", "and", "or", "//", "|", "+", "//", "=="])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    key = st.sampled_from(["a", "b", '"a b"', "if", "and"])
    member = st.tuples(key, inner).map(lambda pair: f"{pair[0]}: ({pair[1]})") | st.sampled_from(
        ["a", "$input", '"b"', "b: .c"]
    )
    return (
        st.tuples(inner, INFIX, inner).map(lambda parts: f"{parts[0]} {parts[1]} {parts[2]}")
        | st.tuples(inner, INFIX, inner).map(lambda parts: f"({parts[0]}){parts[1]} ({parts[2]})")
        | st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(member, max_size=3).map(lambda items: f"{{{', '.join(items)}}}")
        | st.lists(inner, min_size=1, max_size=2).map(lambda items: '"x \\(' + ") é \\(".join(items) + ') y"')
        | st.tuples(inner, inner, inner).map(lambda parts: f"if {parts[0]} then {parts[1]} else {parts[2]} end")
        | st.tuples(inner, inner).map(lambda parts: f"if {parts[0]} then {parts[1]} elif . then 1 end")
        | inner.map(lambda text: f"({text} | not)")
        | inner.map(lambda text: f"{text} | length")
        | inner.map(lambda text: f"({text}).a")
    )


def _even(value: Any) -> Any:
    """Take large doubles for the whole numbers they are: jq writes some of them so, and closures hand them on as they came."""
    if isinstance(value, list):
        return [_even(item) for item in value]
    if isinstance(value, dict):
        return {key: _even(item) for key, item in value.items()}
    return int(value) if isinstance(value, float) and abs(value) >= 2**53 else value


PROGRAMS = st.recursive(LITERALS | PLACES, _larger, max_leaves=8)


def told(expression: Expression, data: Any, variables: dict[str, Any]) -> str:
    """Return what comes of an expression, as text that tells 1 from 1.0 and keeps the order of keys."""
    try:
        return json.dumps(_even(expression.evaluate_light(data, variables)))
    except HeavyExpressionError as error:
        return f"heavy: {error.text}"
    except ExpressionError as error:
        return f"error: {error}"


@settings(deadline=None, max_examples=400)
@given(program=PROGRAMS, data=OBJECTS | VALUES, given_input=OBJECTS | VALUES, context=OBJECTS)
@example(program='"\\(.)"', data="\ud800", given_input=None, context={})
@example(program="-1.0 + .a", data={"a": 0.0}, given_input=None, context={})
@example(program="[.a, .b] == [true, 1]", data={"a": 1, "b": True}, given_input=None, context={})
@example(program="[.a | .b, .b]", data={"a": {"b": 1}, "b": 2}, given_input=None, context={})
@example(program="(. + 1) / 0", data=1, given_input=None, context={})
def test_closures_mean_what_jq_means(program: str, data: Any, given_input: Any, context: Any) -> None:
    """For random programs and data: the same value, the same error, and the same decision that a program may take long."""
    try:
        compile_program(program, ("context", "input"))
    except JqError:
        return  # such as `1 == 2 == 3`
    node = Node(program, "/x", FaultLog({}))
    expression = compile_expression(node, program, SCOPE)
    assert not node.log.faults
    variables = {"input": given_input, "context": context}
    if expression.closure is not None:
        assert told(expression, data, variables) == told(replace(expression, closure=None), data, variables)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("$input + {price: .n}", {"n": 1, "b": [1], "price": 1}),
        ("$context.approved // false", False),
        ("{id: .n, first: .items[0].id, $input}", {"id": 1, "first": 7, "input": {"n": 1, "b": [1]}}),
        ('"Hello \\(.name), \\(.n) times"', "Hello Ada, 1 times"),
        ('if .n > 1 then "many" else "one" end', "one"),
        (".n == $input.n and (.name | not)", False),
        ('.name == "Ada" or .n < 0', True),
        ("[.n, .n + 1, .n - 0.5, .n * 2, .n / 2]", [1, 2, 0.5, 2, 0.5]),
        (".items | length", 1),
        ("{}", {}),
        ("[]", []),
        ('"text"', "text"),
        ("1 - -1", 2),
        (".none.what[3] // .items[-1].id", 7),
        (". == null // 1 > 2 or false", False),
        ("[.n | . + 1]", [2]),
    ],
)
def test_what_documents_usually_say_needs_no_jq(program: str, expected: Any) -> None:
    """Paths, objects, lists, text with values in it, comparisons and sums are worked out in Python."""
    data = {"n": 1, "name": "Ada", "items": [{"id": 7}]}
    closure = closure_of(program)
    assert closure is not None
    assert closure(data, {"input": {"n": 1, "b": [1]}, "context": {}}) == expected


@pytest.mark.parametrize(
    "program",
    [
        ".a[]",
        ".a?",
        "..",
        ".a |= 1",
        ".a[1:]",
        ".[.a]",
        "map(.a)",
        "{(.a): 1}",
        "-.a",
        "1e3",
        '"\\n"',
        ". as $x",
        ".a, .b",
        "a::b",
        "# no\n    {a: 1, b: 2}[.a]",
        '@base64 "a"',
        "1234567890123456",
        "def f: 1; f",
    ],
)
def test_anything_more_is_left_to_jq(program: str) -> None:
    """What gives any number of values, writes, or calls functions is not recognised."""
    assert closure_of(program) is None


@pytest.mark.parametrize("program", ["[.a | .b, .c]", "[.a, .b | .c]", ". as $x | $x"])
def test_what_a_pipe_would_make_many_of_is_left_to_jq(program: str) -> None:
    """The comma binds tighter than the pipe: what follows is done with every element."""
    assert closure_of(program) is None


@pytest.mark.parametrize(
    ("program", "data"),
    [
        (".a", 1),
        (".[0]", {}),
        ("1 + .", "a"),
        (". / 0", 1),
        (". + 1", 2**53),
        ('"\\(.)"', 1.5),
        ("[.] == [1]", 1),
        ("length", True),
    ],
)
def test_jq_is_asked_where_its_answer_is_not_certain(program: str, data: Any) -> None:
    """What fails in jq, and numbers that it would round or write differently, are not decided here."""
    closure = closure_of(program)
    assert closure is not None
    with pytest.raises(UnsureError):
        closure(data, {})


def test_a_long_program_leaves_the_stack_to_jq() -> None:
    """What the stack has no room for gives what it gives elsewhere."""
    program = " | ".join(["."] * 100)
    expression = compile_expression(Node(program, "/x", FaultLog({})), program, SCOPE)
    assert expression.closure is not None
    expected = expression.evaluate_light(1, {})

    def deeper(levels: int) -> Any:
        return deeper(levels - 1) if levels else expression.evaluate_light(1, {})

    room = sys.getrecursionlimit() - len(inspect.stack()) - 60
    assert deeper(room) == expected
