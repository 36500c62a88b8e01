import json
import string
from collections.abc import Callable
from typing import Any

import jq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maestro_workflow_engine.dsl import DocumentError
from maestro_workflow_engine.dsl._expressions import ExpressionError, compile_expression, enclosed
from maestro_workflow_engine.dsl._node import FaultLog, Node
from maestro_workflow_engine.dsl._paths import PathError, plain_path
from maestro_workflow_engine.dsl._scan import scan

SCOPE = frozenset({"context", "input", "task", "item"})

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


def evaluate(program: str, data: object = None, **variables: object) -> object:
    node = Node(program, "/x", FaultLog({}))
    expression = compile_expression(node, program, SCOPE)
    assert not node.log.faults, node.log.faults
    return expression.evaluate(data, dict.fromkeys(SCOPE) | variables)


def fault(program: str) -> str:
    node = Node(program, "/x", FaultLog({}))
    compile_expression(node, program, SCOPE)
    [found] = node.log.faults
    return str(found)


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("${ .a }", ".a"),
        ("${.a}", ".a"),
        ("  ${ {a: 1} }\n", "{a: 1}"),
        ("${ .a\n| length }", ".a\n| length"),
        ("Hello ${ .a }", None),
        ("${ .a } and more", None),
        (".a", None),
        ("${}", None),
    ],
)
def test_only_text_enclosed_as_a_whole_is_an_expression(text: str, program: str | None) -> None:
    """`${ … }` marks an expression when it is all there is; text with something around it is just text."""
    assert enclosed(text) == program


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("env", "env"),
        ("env.HOME", "env"),
        ("$ENV.HOME", "$ENV"),
        ("$ ENV", "$ENV"),
        ("now", "now"),
        ("now | todate", "now"),
        ("[inputs]", "inputs"),
        ("input", "input"),
        ("debug", "debug"),
        ('debug("x")', "debug"),
        ("stderr", "stderr"),
        ("input_line_number", "input_line_number"),
        ("halt", "halt"),
        ("halt_error", "halt_error"),
        ("localtime", "localtime"),
        ('"it is \\(now)"', "now"),
        ('"a \\("b \\(env.X)") c"', "env"),
        ("{a: now}", "now"),
        ("{(now | tostring): 1}", "now"),
        ("{a: 1} | now", "now"),
        ("if now then 1 else 2 end", "now"),
        (".a as $x | now", "now"),
        ('@base64 "\\(env)"', "env"),
        ("# now\nnow", "now"),
    ],
)
def test_impure_builtins_are_refused(program: str, name: str) -> None:
    """What would differ on replay is refused when the document is loaded, wherever it stands."""
    assert scan(program).impure == (name,)
    assert f"uses {name!r}" in fault(program)


@pytest.mark.parametrize(
    "program",
    [
        ".env",
        ".now.input",
        '."now"',
        ".a.env?",
        "{now: 1, env: 2}",
        "{now}",
        "{a: 1, input}",
        '"now and env"',
        '"say \\"now\\""',
        "# now\n.a",
        "$input",
        "$now",
        "nowhere",
        ". as {now: $x} | $x",
        "@text",
        'getpath(["env"])',
    ],
)
def test_names_that_only_look_impure_pass(program: str) -> None:
    """Fields, keys, text, comments and variables may be called like an impure builtin."""
    assert scan(program).impure == ()


def test_a_forgotten_dollar_is_guessed() -> None:
    """Writing `input` for `$input` gets a hint."""
    assert "did you mean $input?" in fault("input.a")


def test_faults_say_what_is_wrong() -> None:
    """A syntax error, an unknown function and an unknown variable are told without jq's inner places."""
    assert fault(".a +").endswith("is no jq program: syntax error, unexpected ')'")
    assert fault("foo(.a)").endswith("foo/1 is not defined")
    assert "$itme is not defined (there are $context, $input, $item, $task); did you mean 'item'?" in fault("$itme")
    assert "$output is not available here" in fault("$output.a")
    assert "$secrets can be read only in the arguments and the input.from of a call" in fault("$secrets.a")
    assert fault(" ").endswith("the expression is empty")
    assert "no jq program" in fault("1 as $x")


def test_programs_see_data_and_variables() -> None:
    """`.` is the data; variables hold what they are bound to, whatever they are called."""
    assert evaluate(".a + $item.b", {"a": 1}, item={"b": 2}) == 3
    assert evaluate("$context", None, context=[1]) == [1]
    assert evaluate("[.[] | . * 2]", [1, 2]) == [2, 4]
    assert evaluate("def twice: . * 2; .a | twice # comment", {"a": 2}) == 4
    assert evaluate(". as {a: $item} | $item", {"a": 5}, item=1) == 5


def test_numbers_keep_their_digits() -> None:
    """Numbers that no double holds pass through unharmed, by a path and by a program."""
    big = 12345678901234567891
    assert evaluate(".a", {"a": big}) == big
    assert evaluate("[.a, $item]", {"a": big}, item=big + 1) == [big, big + 1]


def test_an_expression_gives_one_value() -> None:
    """No value is null; more than one is an error, and an endless generator is not run to its end."""
    assert evaluate("empty", 1) is None
    for program in (".[]", "repeat(1)"):
        with pytest.raises(ExpressionError, match="more than one value"):
            evaluate(program, [1, 2])


@pytest.mark.parametrize(("program", "data"), [(".a.b", {"a": 1}), (".a + 1", {"a": {}}), ('error("no")', None)])
def test_failures_name_the_expression(program: str, data: object) -> None:
    """An expression that fails while it runs says which one it was."""
    with pytest.raises(ExpressionError) as caught:
        evaluate(program, data)
    assert repr(program) in str(caught.value)


def test_programs_are_compiled_once() -> None:
    """The same program with the same variables is compiled once in a process."""
    from maestro_workflow_engine.dsl._jq import compile_program

    assert compile_program(". + 1", ("item",)) is compile_program(". + 1", ("item",))


@settings(deadline=None)
@given(data=VALUES, keys=st.lists(st.sampled_from("abc"), max_size=3), variable=st.booleans())
def test_paths_mean_what_jq_means(data: object, keys: list[str], variable: bool) -> None:
    """A plain path gives what jq gives for any data, and fails where jq fails."""
    text = ("$item" if variable else "") + "".join(f".{key}" for key in keys) or "."
    path = plain_path(text)
    assert path is not None
    try:
        expected = jq.compile(text, args={"item": data}).input_text(json.dumps(data)).first()
    except ValueError:
        with pytest.raises(PathError):
            path.evaluate(data, {"item": data})
    else:
        assert path.evaluate(data, {"item": data}) == expected


@pytest.mark.parametrize("text", ["..", ".a[0]", ".a | .b", ". a", "$", "a", "", ".a.", '."a"', ".a?", "$__loc__.1"])
def test_anything_more_than_a_path_is_left_to_jq(text: str) -> None:
    """Only plain paths take the short way."""
    assert plain_path(text) is None


@settings(deadline=None)
@given(st.text(alphabet=string.printable, max_size=30))
def test_reading_any_text_ends(text: str) -> None:
    """Any text at all can be scanned and compiled; it gives an expression or faults, never an exception."""
    node = Node(text, "/x", FaultLog({}))
    compile_expression(node, text, SCOPE)


def test_text_in_data_is_never_evaluated(execute: Callable[..., Any]) -> None:
    """Expression syntax that arrives as data stays text (the specification's warning about injection)."""
    hostile = "${ .secret }"
    source = 'do: [{a: {set: {copy: "${ .given }"}}}, {b: {set: {again: "${ .copy }", whole: "${ . }"}}}]'
    assert execute(source, {"given": hostile, "secret": 1}) == {"again": hostile, "whole": {"copy": hostile}}


def test_scopes_follow_the_table(load: Callable[..., Any]) -> None:
    """Each place sees the arguments that the specification's table gives it, and no other."""
    allowed = {
        "input: {from: '[$workflow, $runtime]'}\ndo: []",
        "output: {as: '[$context, $workflow, $runtime]'}\ndo: []",
        "do: [{a: {if: '[$context, $task, $workflow, $runtime] != null', wait: PT1S}}]",
        "do: [{a: {input: {from: '[$context, $task, $workflow, $runtime]'}, wait: PT1S}}]",
        "do: [{a: {output: {as: '[$context, $input, $task, $authorization]'}, wait: PT1S}}]",
        "do: [{a: {export: {as: '[$context, $input, $output, $task]'}, wait: PT1S}}]",
    }
    for source in allowed:
        load(source)
    refused = {
        "input: {from: $context}\ndo: []",
        "input: {from: $input}\ndo: []",
        "output: {as: $task}\ndo: []",
        "do: [{a: {if: $input.a, wait: PT1S}}]",
        "do: [{a: {input: {from: $output}, wait: PT1S}}]",
        "do: [{a: {output: {as: $output}, wait: PT1S}}]",
        "do: [{a: {set: {x: '${ $item }'}}}]",
    }
    for source in refused:
        with pytest.raises(DocumentError, match=r"is not (available here|defined)"):
            load(source)
