"""The specification's conformance features, with stand-ins for the hosts they call."""

import re
from base64 import b64encode
from collections.abc import Callable
from textwrap import dedent
from typing import Any

import httpx2
import pytest
from ruamel.yaml import YAML

from maestro_workflow_engine.dsl import DocumentError, HttpxCaller, TaskError, load_document
from maestro_workflow_engine.dsl._frame import Run

UNSUPPORTED = {}


PET_STORE = {
    "swagger": "2.0",
    "host": "petstore.swagger.io",
    "basePath": "/v2",
    "schemes": ["https"],
    "paths": {
        "/pet/findByStatus": {
            "get": {
                "operationId": "findPetsByStatus",
                "produces": ["application/json"],
                "parameters": [
                    {
                        "name": "status",
                        "in": "query",
                        "required": True,
                        "type": "array",
                        "items": {"type": "string"},
                        "collectionFormat": "multi",
                    }
                ],
            }
        },
        "/pet/{petId}": {
            "get": {
                "operationId": "getPetById",
                "produces": ["application/json"],
                "parameters": [{"name": "petId", "in": "path", "required": True, "type": "integer"}],
            }
        },
    },
}

_STEP = re.compile(
    r"^[ \t]*(?:Given|When|Then|And)[ \t]+(?P<step>[^\n]+?)[ \t]*\n(?:[ \t]*\"\"\"yaml\n(?P<block>.*?)\"\"\")?",
    re.DOTALL | re.MULTILINE,
)


def read_yaml(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def answer(request: httpx2.Request) -> httpx2.Response:
    """Stand in for the two hosts that the features call."""
    host, path = request.url.host, request.url.path
    if host == "petstore.swagger.io" and path == "/v2/swagger.json":
        return httpx2.Response(200, json=PET_STORE)
    if host == "petstore.swagger.io" and path == "/v2/pet/findByStatus":
        status = request.url.params["status"]
        return httpx2.Response(200, json=[{"id": 3, "name": "Milou", "status": status}])
    if host == "petstore.swagger.io" and (pet := re.fullmatch(r"/v2/pet/(\d+)", path)):
        return httpx2.Response(200, json={"id": int(pet[1]), "name": "Milou", "status": "available"})
    if host == "httpbin.org" and (login := re.fullmatch(r"/basic-auth/([^/]+)/([^/]+)", path)):
        expected = "Basic " + b64encode(f"{login[1]}:{login[2]}".encode()).decode()
        known = request.headers.get("authorization") == expected
        return httpx2.Response(200 if known else 401, json={"authenticated": known})
    return httpx2.Response(404, json={"message": "not found"})


def find(output: Any, path: str) -> Any:
    for key in path.split("."):
        output = output[key]
    return output


class Observed:
    """What came of a scenario, and the checks that its steps ask for."""

    def __init__(self, order: list[str], output: Any = None, error: TaskError | None = None) -> None:
        self.order, self.output, self.error = order, output, error

    def check(self, step: str, block: str) -> None:
        for pattern, method in CHECKS:
            match = re.fullmatch(pattern, step)
            if match:
                method(self, *match.groups(), **({"expected": read_yaml(block)} if block else {}))
                return
        raise AssertionError(f"no check for {step!r}")

    def completes(self, expected: Any = ...) -> None:
        assert self.error is None, self.error
        assert expected is ... or self.output == expected

    def faults(self, expected: Any = ...) -> None:
        assert self.error is not None, self.output
        assert expected is ... or self.error.error.as_dict() == expected

    def has(self, names: str) -> None:
        for path in re.findall(r"'([^']+)'", names):
            find(self.output, path)

    def has_value(self, path: str, expected: Any) -> None:
        assert find(self.output, path) == expected

    def has_items(self, path: str, count: str) -> None:
        assert len(find(self.output, path)) == int(count)

    def ran(self, name: str, place: str) -> None:
        assert self.order[0 if place == "first" else -1] == name

    def ran_relative(self, name: str, place: str, other: str) -> None:
        difference = self.order.index(name) - self.order.index(other)
        assert difference > 0 if place == "after" else difference < 0


CHECKS: list[tuple[str, Callable[..., None]]] = [
    (r"the workflow should complete(?: with output)?", Observed.completes),
    (r"the workflow should fault(?: with error)?", Observed.faults),
    (r"the workflow output should have properties (.+)", Observed.has),
    (r"the workflow output should have a '([^']+)' property with value", Observed.has_value),
    (r"the workflow output should have a '([^']+)' property containing (\d+) items", Observed.has_items),
    (r"(\w+) should run (first|last)", Observed.ran),
    (r"(\w+) should run (after|before) (\w+)", Observed.ran_relative),
]


def read_scenario(scenario: str) -> tuple[str, Any, list[tuple[str, str]]]:
    """Return the document, the input, and the checks of a scenario as step and block."""
    definition, payload, checks = "", None, []
    for found in _STEP.finditer(scenario + "\n"):
        step, block = found["step"].rstrip(":"), dedent(found["block"] or "")
        if step == "a workflow with definition":
            definition = block
        elif step == "given the workflow input is":
            payload = read_yaml(block)
        elif step != "the workflow is executed":
            checks.append((step, block))
    assert definition
    assert checks
    return definition, payload, checks


def test_conformance_scenarios_pass(
    execute: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, scenario: str
) -> None:
    """Every scenario passes unchanged, on plain asyncio and on the engine; those beyond this release are refused."""
    definition, payload, checks = read_scenario(scenario)
    name = scenario.strip().splitlines()[0]
    if name in UNSUPPORTED:
        with pytest.raises(DocumentError) as refused:
            load_document(definition)
        assert [fault.path for fault in refused.value.faults] == [UNSUPPORTED[name]]
        assert refused.value.faults[0].message.startswith("not supported yet")
        return

    order: list[str] = []
    open_frame = Run.frame

    def record(self: Run, task: Any, *rest: Any) -> Any:
        order.append(task.name)
        return open_frame(self, task, *rest)

    monkeypatch.setattr(Run, "frame", record)
    caller = HttpxCaller(transport=httpx2.MockTransport(answer))
    try:
        observed = Observed(order, execute(definition, payload, http=caller))
    except TaskError as error:
        observed = Observed(order, error=error)
    for step, block in checks:
        observed.check(step, block)
