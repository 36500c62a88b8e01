"""The specification's examples of HTTP calls and of the flow, run with stand-ins for the hosts they name.

What other examples do is tested beside the kinds of tasks they are about.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from maestro_workflow_engine.dsl import HttpxCaller, TaskError

PET = {"id": 1, "petId": 1, "name": "Milou", "status": "available"}
FOUND = {"count": 1, "results": [{"name": "Luke Skywalker"}]}
PREFIX = "https://open-workflow-specification.org/spec/1.0.0/errors/"


@dataclass
class Hosts:
    """The hosts that the examples name; `failures` says how often each path answers with an error first."""

    failures: dict[str, list[int]] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)
    """Method and URL of every request."""
    bodies: list[Any] = field(default_factory=list)
    """What came with each request."""
    headers: list[httpx2.Headers] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append((request.method, str(request.url)))
        self.bodies.append(json.loads(request.content) if request.content else None)
        self.headers.append(request.headers)
        planned = self.failures.get(request.url.path)
        if planned:
            return httpx2.Response(planned.pop(0), json={})
        return self._answer(request.url.host, request.url.path, request)

    def _answer(self, host: str, path: str, request: httpx2.Request) -> httpx2.Response:
        if host == "petstore.swagger.io" and path == "/v2/pet/1":
            return httpx2.Response(200, json=self.bodies[-1] if request.method == "PUT" else PET)
        if host == "swapi.dev" and path == "/api/people/":
            return httpx2.Response(200, json=FOUND)
        if host == "swapi.dev" and path == "/api/people/1":
            return httpx2.Response(200, json={"homeworld": "https://swapi.dev/api/planets/1/"})
        if host == "swapi.dev" and path == "/api/planets/1/":
            return httpx2.Response(200, json={"name": "Tatooine"})
        if host in {"superbet-casinos.com", "fake-hospital.com"}:
            return httpx2.Response(200, json={"taken": path.rpartition("/")[2]})
        return httpx2.Response(404, json={"message": "not found"})


@dataclass(frozen=True)
class Case:
    """One run of an example."""

    example: str
    payload: Any
    output: Any = None
    """What comes out."""
    seen: tuple[tuple[str, str], ...] = ()
    """The requests."""
    error: tuple[str, int] | None = None
    """Type and status, when the run is to fail."""
    failures: dict[str, list[int]] = field(default_factory=dict)
    elapsed: float = 0.0
    """How long it waits, in seconds; such a run is made with waits skipped only."""


GET_PET = (("GET", "https://petstore.swagger.io/v2/pet/1"),)
SEARCH = (("GET", "https://swapi.dev/api/people/?search=luke"),)
NOT_IMPLEMENTED = ("https://serverlessworkflow.io/errors/not-implemented", 500)
FLAKY = {"/v2/pet/1": [503, 503]}
DEAD = {"/v2/pet/1": [503] * 9}

CASES = [
    Case("authentication-bearer", {"token": "t"}, PET, GET_PET),
    Case("authentication-bearer-uri-format", {"token": "t", "petId": 1}, PET, GET_PET),
    Case("authentication-reusable", {"token": "t", "petId": 1}, PET, GET_PET),
    Case("call-http-endpoint-interpolation", {"petId": 1}, PET, GET_PET),
    Case("call-http-endpoint-interpolation-shorthand", {"petId": 1}, PET, GET_PET),
    Case("call-http-query-headers-expressions", {"searchQuery": "luke"}, FOUND, SEARCH),
    Case("call-http-query-parameters", {"searchQuery": "luke"}, FOUND, SEARCH),
    Case("call-http-query-parameters", {}, error=(f"{PREFIX}validation", 400)),
    Case("call-http-redirect", {"searchQuery": "luke"}, FOUND, SEARCH),
    Case("conditional-task", {"customer": {"age": 17}},
         error=("https://superbet-casinos.com/customer/access-forbidden", 400)),
    Case("conditional-task", {"customer": {"age": 18}}, {"taken": "football"},
         (("POST", "https://superbet-casinos.com/api/bet/on/football"),)),
    Case("do-multiple", {"petId": 1}, {**PET, "status": "sold"},
         (*GET_PET, ("PUT", "https://petstore.swagger.io/v2/pet/1"))),
    Case("do-single", {"petId": 1}, PET, GET_PET),
    Case("do-single", {"petId": 9}, error=(f"{PREFIX}communication", 404),
         seen=(("GET", "https://petstore.swagger.io/v2/pet/9"),)),
    Case("for-inline-array", {}, {"processed": [
        {"name": "red", "hex": "#FF0000"}, {"name": "green", "hex": "#00FF00"}, {"name": "blue", "hex": "#0000FF"}]}),
    Case("raise-inline", {}, error=NOT_IMPLEMENTED),
    Case("raise-reusable", {}, error=NOT_IMPLEMENTED),
    Case("star-wars-homeworld", {"id": 1}, {"name": "Tatooine"},
         (("GET", "https://swapi.dev/api/people/1"), ("GET", "https://swapi.dev/api/planets/1/"))),
    Case("star-wars-homeworld", {"id": 0}, error=(f"{PREFIX}validation", 400)),
    Case("switch-then-string", {"orderType": "electronic"}, {"validate": True, "status": "fulfilled"}),
    Case("switch-then-string", {"orderType": "physical"}, {"inventory": "clear", "items": 1, "address": "Elmer St"}),
    Case("switch-then-string", {"orderType": "lunar"}, {"log": "warn", "message": "something's wrong"}),
    Case("try-catch", {"petId": 1}, PET, GET_PET),
    Case("try-catch", {"petId": 9}, {"petId": 9}, (("GET", "https://petstore.swagger.io/v2/pet/9"),)),
    Case("try-catch", {"petId": 1}, error=(f"{PREFIX}communication", 500), failures={"/v2/pet/1": [500]}, seen=GET_PET),
    Case("try-catch-retry-inline", {"petId": 1}, PET, GET_PET * 3, failures=FLAKY, elapsed=3 + 6),
    Case("try-catch-retry-inline", {"petId": 1}, error=(f"{PREFIX}communication", 503), seen=GET_PET * 6, failures=DEAD,
         elapsed=3 + 6 + 12 + 24 + 48),
    Case("try-catch-retry-reusable", {"petId": 1}, PET, GET_PET * 3, failures=FLAKY, elapsed=3 + 6),
    Case("try-catch-then-directive", {}, {"status": "failed"},
         (("GET", "https://external-service.example.com/api"),), failures={"/api": [503]}),
    Case("wait-duration-inline", {"a": 1}, {"a": 1}, elapsed=30),
    Case("wait-duration-iso8601", {"a": 1}, {"a": 1}, elapsed=30),
]  # fmt: skip


def case_id(case: Case) -> str:
    return f"{case.example} {json.dumps(case.payload)} {'fails' if case.error else 'completes'}"


def caller(case: Case) -> tuple[Hosts, HttpxCaller]:
    hosts = Hosts({path: list(codes) for path, codes in case.failures.items()})
    return hosts, HttpxCaller(transport=httpx2.MockTransport(hosts))


def check(case: Case, hosts: Hosts, output: Any, error: TaskError | None) -> None:
    assert (error and (error.error.type, error.error.status)) == case.error, error
    assert error is not None or output == case.output
    assert tuple(hosts.seen) == case.seen
    if case.example.startswith("authentication-"):
        assert hosts.headers[0]["authorization"] == "Bearer t"


@pytest.mark.parametrize("case", [case for case in CASES if not case.elapsed], ids=case_id)
def test_examples_run(case: Case, conformance_data: Path, execute: Callable[..., Any]) -> None:
    """On plain asyncio and on the engine, each example makes its requests and comes to its result."""
    hosts, http = caller(case)
    text = (conformance_data / "examples" / f"{case.example}.yaml").read_text(encoding="utf-8")
    error, output = None, None
    try:
        output = execute(_document(text), case.payload, http=http)
    except TaskError as raised:
        error = raised
    check(case, hosts, output, error)


@pytest.mark.parametrize("case", [case for case in CASES if case.elapsed], ids=case_id)
def test_examples_that_wait_run(case: Case, conformance_data: Path, simulate: Callable[..., Any]) -> None:
    """With waits skipped, each of these takes its time, makes its requests and comes to its result."""
    hosts, http = caller(case)
    text = (conformance_data / "examples" / f"{case.example}.yaml").read_text(encoding="utf-8")
    run = simulate(_document(text), case.payload, http=http)
    check(case, hosts, run.output, run.error)
    assert run.elapsed == pytest.approx(case.elapsed)


def test_the_first_to_answer_wins(conformance_data: Path, execute: Callable[..., Any]) -> None:
    """In the example of a competing fork, one of the two answers comes out."""
    hosts = Hosts()
    text = (conformance_data / "examples" / "fork.yaml").read_text(encoding="utf-8")
    patient = {"patient": {"fullName": "A B"}, "room": {"number": 7}}
    output = execute(_document(text), patient, http=HttpxCaller(transport=httpx2.MockTransport(hosts)))
    assert output in [{"taken": "nurses"}, {"taken": "doctor"}]
    assert hosts.bodies[0] == {"patientId": "A B", "room": 7}


def _document(text: str) -> str:
    return text[text.index("document:") :]
