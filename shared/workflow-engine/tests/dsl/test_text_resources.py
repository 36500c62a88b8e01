"""What stands elsewhere: the source of a script, and schemas."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from maestro_workflow_engine import WorkflowEngine
from maestro_workflow_engine.dsl import HttpRequest, HttpResponse, ProcessOptions, Steps, TaskError, load_document

HEAD = "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"


class Library:
    """Answers with texts by address, and notes what was asked."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts
        self.asked: list[HttpRequest] = []

    async def call(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        text = self.texts.get(request.url)
        return HttpResponse(404, reason="Not Found") if text is None else HttpResponse(200, {}, text.encode())


SCHEMA = "type: object\nrequired: [n]\nproperties: {n: {type: integer}}\n"


def schema_at(endpoint: str) -> str:
    return f"do: [{{a: {{input: {{schema: {{resource: {{endpoint: {endpoint}}}}}}}, set: {{ok: true}}}}}}]"


@pytest.mark.parametrize("text", [SCHEMA, '{"required": ["n"], "properties": {"n": {"type": "integer"}}}'])
def test_a_schema_may_stand_elsewhere(execute: Callable[..., Any], text: str) -> None:
    """A schema by resource is fetched when it is needed, in JSON or YAML."""
    source = schema_at("'http://x/schema'")
    assert execute(source, {"n": 1}, http=Library({"http://x/schema": text})) == {"ok": True}
    with pytest.raises(TaskError) as caught:
        execute(source, {"n": "one"}, http=Library({"http://x/schema": text}))
    assert caught.value.error.type.endswith("/validation")


def test_a_schema_is_fetched_once_for_each_run(simulate: Callable[..., Any]) -> None:
    """A schema that is used in every round of a loop is fetched in the first."""
    library = Library({"http://x/s": "{}"})
    loop = "do: [{l: {for: {in: '[1, 2, 3]'}, do: [{a: {output: {schema: {resource: {endpoint: 'http://x/s'}}}, set: {b: 1}}}]}}]"
    assert simulate(loop, http=library).output == {"b": 1}
    assert len(library.asked) == 1


def test_a_workflows_own_schemas_may_stand_elsewhere(execute: Callable[..., Any]) -> None:
    """The workflow's input, its output and the exported context are checked in the same way."""
    library = Library({"http://x/s": SCHEMA, "http://x/any": "true"})
    source = (
        "input: {schema: {resource: {endpoint: 'http://x/any'}}}\n"
        "output: {schema: {resource: {endpoint: 'http://x/s'}}}\n"
        "do: [{a: {set: {m: 1}, export: {as: ., schema: {resource: {endpoint: 'http://x/any'}}}}}]"
    )
    with pytest.raises(TaskError, match="output does not fit"):
        execute(source, http=library)


def test_a_resource_is_asked_for_with_its_authentication(simulate: Callable[..., Any]) -> None:
    """An endpoint's authentication, inline or by name, goes with the request; its URI may be an expression."""
    library = Library({"http://x/a": "true"})
    source = "use: {authentications: {me: {basic: {username: u, password: p}}}}\n" + schema_at(
        "{uri: '${ .base + \"/a\" }', authentication: {use: me}}"
    )
    assert simulate(source, {"base": "http://x"}, http=library).output == {"ok": True}
    assert library.asked[0].headers["authorization"] == f"Basic {base64.b64encode(b'u:p').decode()}"


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        ({}, "communication"),
        ({"http://x/s": "type: nothing"}, "configuration"),
        ({"http://x/s": "a: [b"}, "configuration"),
    ],
)
def test_a_schema_that_cannot_be_had_fails_the_task(
    simulate: Callable[..., Any], texts: dict[str, str], kind: str
) -> None:
    """No answer is the standard error "communication"; something that is no schema is "configuration"."""
    error = simulate(schema_at("'http://x/s'"), {}, http=Library(texts)).error
    assert error.error.type.endswith(f"/{kind}")
    assert error.error.instance == "/do/0/a"


def test_a_schema_never_leads_out_of_itself(simulate: Callable[..., Any]) -> None:
    """A `$ref` to another address is refused instead of fetched behind the engine's back."""
    library = Library({"http://x/s": "{$ref: 'http://127.0.0.1:9/other'}"})
    error = simulate(schema_at("'http://x/s'"), {}, http=library).error
    assert error.error.type.endswith("/configuration")
    assert "outside the schema" in error.error.detail
    assert [request.url for request in library.asked] == ["http://x/s"]


async def test_a_scripts_source_may_stand_elsewhere() -> None:
    """A script's `source` is fetched in a step of its own, so that a replay runs the same code."""
    source = (
        HEAD
        + "do: [{a: {run: {script: {language: python, source: {name: s, endpoint: 'http://x/{file}'}, arguments: [q]}}}}]"
    )
    document = load_document(source)
    steps = Steps(
        http=Library({"http://x/s.py": "import sys\nprint(sys.argv[1:])"}),
        processes=ProcessOptions(allowed=frozenset({"script"})),
    )
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow(steps)]) as engine:
        handle = await engine.start(document.qualified_name, {"file": "s.py"})
        assert await handle.result(timedelta(seconds=40)) == "['q']\n"
        kept = [event.data.get("step") for event in await handle.history()]
    assert [name for name in kept if name][:1] == ["resource"]
