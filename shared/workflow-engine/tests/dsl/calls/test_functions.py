import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import PlainTextResponse

from maestro_workflow_engine import WorkflowEngine, workflow
from maestro_workflow_engine.dsl import DocumentError, Steps, load_document
from maestro_workflow_engine.dsl.calls._catalogs import raw_address

DOUBLE = "{input: {schema: {document: {type: object, required: [n]}}}, set: {n: '${ .n * 2 }'}, output: {as: .n}}"


def test_a_function_of_the_document(run: Callable[..., Any]) -> None:
    """`call` of a function under `use.functions` runs its task with the arguments for input; its output is the call's."""
    source = (
        f"use: {{functions: {{double: {DOUBLE}}}}}\n"
        "do: [{a: {call: double, with: {n: '${ .x }'}, output: {as: '{twice: .}'}}}]"
    )
    assert run(source, {"x": 21}).output == {"twice": 42}


def test_a_functions_schema_is_checked(fails: Callable[..., Any]) -> None:
    """Arguments that do not fit the function's input schema are the standard error "validation", raised in the function."""
    error = fails(f"use: {{functions: {{double: {DOUBLE}}}}}\ndo: [{{a: {{call: double, with: {{m: 1}}}}}}]")
    assert (error["type"], error["instance"]) == ("validation", "/use/functions/double")


def test_functions_call_functions_and_see_no_loop_variables(run: Callable[..., Any], load: Callable[..., Any]) -> None:
    """A function may call another; without `with` it gets the caller's input; variables around the caller are not in scope."""
    source = """
use:
  functions:
    double: {set: '${ . * 2 }'}
    fourfold: {do: [{a: {call: double}}, {b: {call: double}}]}
do:
  - each: {for: {in: '${ .all }'}, do: [{a: {input: {from: '${ $item }'}, call: fourfold}}]}
"""
    assert run(source, {"all": [1, 2, 3]}).output == 12
    with pytest.raises(DocumentError, match="item is not defined"):
        load(
            "use: {functions: {f: {set: {x: '${ $item }'}}}}\ndo: [{l: {for: {in: '${ [1] }'}, do: [{a: {call: f}}]}}]"
        )


def test_endless_recursion_is_an_error(fails: Callable[..., Any]) -> None:
    """A function that calls itself without end is the standard error "runtime", not a crash."""
    error = fails("use: {functions: {f: {do: [{a: {call: f}}]}}}\ndo: [{a: {call: f}}]")
    assert error["type"] == "runtime"
    assert "calls itself without end" in error["detail"]


FUNCTION = "input: {schema: {document: {type: object, required: [n]}}}\nset: {n: '${ .n * 2 }'}\n"


def test_a_function_at_an_address_is_fetched_once_for_a_run(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """A function at an address runs; its text is in the history, so that a run goes on with what it began with."""
    url = serve(site)
    site.answers["/f.yaml"] = lambda _: PlainTextResponse(FUNCTION)
    ran = run(f"do: [{{a: {{call: '{url}/f.yaml', with: {{n: 4}}}}}}]")
    assert ran.output == {"n": 8}
    assert "required: [n]" in ran.history


def test_a_function_of_a_catalog(run: Callable[..., Any], site: Any, serve: Any) -> None:
    """`name:version@catalog` is `functions/name/version/function.yaml` below the catalog's root, with its authentication."""
    url = serve(site)
    site.answers["/cat/functions/double/1.2.0/function.yaml"] = PlainTextResponse(FUNCTION)
    source = (
        f"use: {{secrets: [c], catalogs: {{mine: {{endpoint: {{uri: '{url}/cat/', authentication: {{bearer: {{use: c}}}}}}}}}}}}\n"
        "do: [{a: {call: 'double:1.2.0@mine', with: {n: 5}}}]"
    )
    ran = run(source, secrets={"c": "catalog-token"})
    assert ran.output == {"n": 10}
    assert site.asked[0].headers["authorization"] == "Bearer catalog-token"
    assert "catalog-token" not in ran.history


def test_the_default_catalog_may_be_a_folder(
    run: Callable[..., Any], fails: Callable[..., Any], tmp_path: Path
) -> None:
    """`@default` is the catalog that the program gives, a folder for one; without one it is a configuration error."""
    place = tmp_path / "functions" / "double" / "1.0.0"
    place.mkdir(parents=True)
    (place / "function.yaml").write_text(FUNCTION)
    source = "do: [{a: {call: 'double:1.0.0@default', with: {n: 6}}}]"
    assert run(source, catalog=tmp_path).output == {"n": 12}
    assert fails(source)["detail"] == "'double:1.0.0@default' needs a default catalog, and there is none here"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sett: {}", "says not what to do"),
        ("set: {x: '${ . | nope }'}", "is no jq program"),
        ("[1]", "must be a mapping"),
    ],
)
def test_a_fetched_function_that_is_wrong(
    fails: Callable[..., Any], site: Any, serve: Any, text: str, message: str
) -> None:
    """Faults of a fetched function are a configuration error that lists them."""
    url = serve(site)
    site.answers["/f.yaml"] = PlainTextResponse(text)
    error = fails(f"do: [{{a: {{call: '{url}/f.yaml'}}}}]")
    assert (error["type"], message in error["detail"]) == ("configuration", True), error


def test_a_function_that_is_not_there(fails: Callable[..., Any], site: Any, serve: Any) -> None:
    """A function that cannot be fetched is a communication error with the status."""
    error = fails(f"do: [{{a: {{call: '{serve(site)}/f.yaml'}}}}]")
    assert (error["type"], error["status"]) == ("communication", 404)


def test_an_unknown_catalog_is_a_fault(load: Callable[..., Any]) -> None:
    """A catalog that the document does not define is told at load, with the nearest name."""
    with pytest.raises(DocumentError, match="no catalog named 'mien' under /use/catalogs; did you mean 'mine'"):
        load("use: {catalogs: {mine: {endpoint: 'http://x'}}}\ndo: [{a: {call: 'f:1.0.0@mien'}}]")


RAW = "https://raw.githubusercontent.com/"


@pytest.mark.parametrize(
    ("uri", "path", "raw"),
    [
        ("https://github.com/o/r", "functions/f", RAW + "o/r/refs/heads/main/functions/f"),
        ("https://github.com/o/r.git", "functions/f", RAW + "o/r/refs/heads/main/functions/f"),
        ("https://github.com/o/r/tree/main", "functions/f", RAW + "o/r/refs/heads/main/functions/f"),
        ("https://github.com/o/r/tree/dev/sub", "functions/f", RAW + "o/r/refs/heads/dev/sub/functions/f"),
        ("https://github.com/o/r/blob/main/f/function.yaml", "", RAW + "o/r/refs/heads/main/f/function.yaml"),
        (
            "https://github.com/myorg/functions/validateEmailAddress@v1.0.0",
            "",
            RAW + "myorg/functions/v1.0.0/validateEmailAddress/function.yaml",
        ),
        ("https://gitlab.com/g/s/p/-/tree/main/c", "functions/f", "https://gitlab.com/g/s/p/-/raw/main/c/functions/f"),
        ("https://gitlab.com/g/p", "functions/f", "https://gitlab.com/g/p/-/raw/main/functions/f"),
        ("https://x.com/cat/", "functions/f", "https://x.com/cat/functions/f"),
        ("https://x.com/f.yaml", "", "https://x.com/f.yaml"),
    ],
)
def test_pages_are_taken_for_the_files_they_show(uri: str, path: str, raw: str) -> None:
    """Addresses of GitHub and GitLab pages lead to the raw text (DSL 1.0.3, "File Structure")."""
    assert raw_address(uri, path) == raw


@workflow
async def greet(name: str, mark: str = "!") -> str:
    return f"hello {name}{mark}"


@workflow(name="acme/whole")
async def whole(order: dict[str, Any]) -> Any:
    if order.get("fail"):
        raise ValueError("no such order")
    return order["n"]


def test_registered_workflows_run_as_children(run: Callable[..., Any], fails: Callable[..., Any]) -> None:
    """`call` of a registered workflow runs it as a child, arguments by name, or the whole mapping for its one parameter."""
    options: dict[str, Any] = {"workflows": [greet, whole], "others": [greet, whole]}
    assert run("do: [{a: {call: greet, with: {name: bob, mark: '?'}}}]", **options).output == "hello bob?"
    assert run("do: [{a: {call: acme/whole, with: {n: 7}}}]", **options).output == 7
    assert run("do: [{a: {call: acme/whole}}]", {"n": 8}, **options).output == 8
    error = fails("do: [{a: {call: acme/whole, with: {fail: true}}}]", **options)
    assert (error["type"], error["instance"]) == ("runtime", "/do/0/a")
    assert "no such order" in error["detail"]


HEAD = "document: {{dsl: '1.0.3', namespace: acme, name: {name}, version: '1.0.0'}}\n"


def test_documents_call_documents_and_python_calls_documents() -> None:
    """A document is a workflow like any other: another document calls it by name, a Python workflow by awaiting it."""
    inner = load_document(HEAD.format(name="inner") + "do: [{a: {set: {n: '${ .n + 1 }'}}}]").as_workflow()
    failing = load_document(
        HEAD.format(name="failing") + "do: [{a: {raise: {error: {type: 'urn:x', status: 418, title: Tea}}}}]"
    ).as_workflow()
    outer = load_document(
        HEAD.format(name="outer")
        + "do: [{a: {call: acme/inner, with: {n: 1}}}, {b: {try: [{c: {call: acme/failing}}], "
        "catch: {errors: {with: {type: 'urn:x', status: 418}}, as: e, do: [{d: {set: {n: '${ .n }', at: '${ $e.instance }'}}}]}}}]"
    ).as_workflow(Steps(workflows=[inner, failing]))

    @workflow
    async def python(n: int) -> Any:
        return await inner({"n": n})

    async def main() -> list[Any]:
        async with WorkflowEngine("sqlite://", workflows=[inner, failing, outer, python]) as engine:
            handles = [await engine.start(outer), await engine.start(python, 41)]
            return [await handle.result(timeout=timedelta(seconds=30)) for handle in handles]

    assert asyncio.run(main()) == [{"n": 2, "at": "/do/1/b/try/0/c"}, {"n": 42}]


def test_misspelt_functions_are_faults() -> None:
    """A name that is neither function nor step nor workflow is told with the nearest one."""
    document = load_document(
        HEAD.format(name="x") + "use: {functions: {double: {set: {a: 1}}}}\ndo: [{a: {call: doubel}}]"
    )
    with pytest.raises(DocumentError, match="did you mean 'double'"):
        document.as_workflow()
    inside = load_document(
        HEAD.format(name="x")
        + "use: {functions: {f: {call: nothing}}, extensions: [{e: {extend: all, before: [{b: {call: none}}]}}]}\ndo: []"
    )
    with pytest.raises(DocumentError) as caught:
        inside.as_workflow()
    assert [fault.path for fault in caught.value.faults] == [
        "/use/functions/f/call",
        "/use/extensions/0/e/before/0/b/call",
    ]
