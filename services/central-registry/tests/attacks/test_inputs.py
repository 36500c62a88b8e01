"""Bodies, paths and headers that nobody sends by mistake: none is taken, none breaks the service, none is repeated."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from starlette.testclient import TestClient

from maestro_core_api import MaestroAPI

Auth = Callable[..., dict[str, str]]
ENTRY = {"url": "http://127.0.0.1:8000", "version": "1.0.0"}
INSTANCE = "/services/echo/instances/a"
EXAMPLES = int(os.environ.get("MAESTRO_OPENAPI_EXAMPLES", "10"))


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"health_path": "http://169.254.169.254/latest"}, "body.health_path"),
        ({"health_path": "//169.254.169.254/latest"}, "body.health_path"),
        ({"health_path": "/a?b=c"}, "body.health_path"),
        ({"health_path": "/a#b"}, "body.health_path"),
        ({"health_path": "/a b"}, "body.health_path"),
        ({"health_path": "/a\r\nHost: evil"}, "body.health_path"),
        ({"health_path": "/a\\..\\b"}, "body.health_path"),
        ({"health_path": "/%0d%0a"}, "body.health_path"),
        ({"health_path": "/" + "a" * 300}, "body.health_path"),
        ({"health_path": "/", "url": "http://169.254.169.254"}, "body.health_path"),
        ({"health_path": "/", "url": "http://[fe80::1]:80"}, "body.health_path"),
        ({"health_path": "/", "url": "http://[::ffff:169.254.169.254]"}, "body.health_path"),
        ({"health_path": "/", "url": "http://0.0.0.0:1"}, "body.health_path"),
        ({"health_path": "/", "health_interval_s": 0.01}, "body.health_interval_s"),
        ({"health_path": "/", "health_timeout_s": 31, "health_interval_s": 60}, "body.health_timeout_s"),
        ({"health_path": "/", "health_timeout_s": 9, "health_interval_s": 3}, "body.health_timeout_s"),
        ({"health_path": "/", "unhealthy_after": 0}, "body.unhealthy_after"),
        ({"health_path": "/", "healthy_after": 10**9}, "body.healthy_after"),
        ({"zone": "../etc"}, "body.zone"),
        ({"zone": ""}, "body.zone"),
        ({"tags": ["a b"]}, "body.tags"),
        ({"tags": ["x"] * 33 + [f"t{n}" for n in range(40)]}, "body.tags"),
        ({"tags": ["a\u0000"]}, "body.tags"),
    ],
)
def test_registrations_that_would_lead_the_registry_astray_are_refused(
    client: TestClient, auth: Auth, changes: dict[str, Any], path: str
) -> None:
    """What would make the registry ask elsewhere, ask too often or show nonsense is 422 and names the field."""
    answer = client.put(INSTANCE, json={**ENTRY, **changes}, headers=auth("operator"))
    assert answer.status_code == 422, answer.text
    assert path in {fault["path"] for fault in answer.json()["errors"]}
    assert client.get("/services/echo", headers=auth("viewer")).status_code == 404


@pytest.mark.parametrize(
    "name", ["..", "%2e%2e", "a%2Fb", "'; DROP TABLE registrations; --", "%00", "x" * 10_000, "\N{SNOWMAN}", "a.b", "A"]
)
def test_names_that_are_none_are_refused_everywhere(client: TestClient, auth: Auth, name: str) -> None:
    """Paths, statements, control characters and giants in the place of a name find nothing and change nothing."""
    headers = auth("admin")
    for method, path, body in (
        ("GET", f"/services/{name}", None),
        ("PUT", f"/services/{name}/instances/a", ENTRY),
        ("PUT", f"/catalog/{name}", {"version": "1"}),
        ("GET", f"/catalog/{name}", None),
        ("GET", f"/catalog/{name}/openapi", None),
    ):
        answer = client.request(method, path, json=body, headers=headers)
        assert answer.status_code in {404, 405, 422, 307}, (method, path[:80], answer.text[:200])
    shown = client.get("/services", headers=headers).json()["services"]
    assert [each["name"] for each in shown] == ["central-registry"]


@pytest.mark.parametrize(
    "query",
    [
        "zone=' OR 1=1 --",
        "tag=" + "&tag=".join(f"t{n}" for n in range(1_000)),
        "version=%",
        "version=" + "1" * 60_000,
        "health=all",
        "near=" + "z" * 1_000,
    ],
)
def test_filters_that_make_no_sense_find_nothing(client: TestClient, auth: Auth, query: str) -> None:
    """A filter is compared, never run; one beyond measure is refused."""
    answer = client.get(f"/services?{query}", headers=auth("viewer"))
    assert answer.status_code in {200, 414, 422, 431}
    assert answer.status_code != 200 or answer.json() == {"services": []}


def test_a_flood_of_instances_ends_at_the_limit(client: TestClient, auth: Auth) -> None:
    """Beyond the limit instances are 507 with the limit; the others stay, and can go."""
    headers = auth("operator")
    statuses = [
        client.put(f"/services/flood/instances/i{n}", json=ENTRY, headers=headers).status_code for n in range(60)
    ]
    assert statuses == [201] * 49 + [507] * 11
    answer = client.put("/services/flood/instances/more", json=ENTRY, headers=headers)
    assert (answer.json()["error_code"], answer.json()["limit"]) == ("REGISTRY_FULL", 50)
    assert client.delete("/services/flood/instances/i0", headers=headers).status_code == 204
    assert client.put("/services/flood/instances/more", json=ENTRY, headers=headers).status_code == 201


def test_documents_beyond_measure_are_refused(client: TestClient, auth: Auth) -> None:
    """A document that is too large, too deep or no object is refused, and the entry that was there stays."""
    headers = {**auth("operator"), "content-type": "application/json"}
    assert client.put("/catalog/echo", json={"version": "1", "owner": "good"}, headers=headers).status_code == 201
    deep = '{"a":' * 3_000 + "1" + "}" * 3_000
    for document in (json.dumps({"x": "y" * 3_000_000}), deep, "[]", '"text"', '{"x": NaN}', '{"x": "\\ud800"}'):
        content = '{"version": "2", "openapi": ' + document + "}"
        answer = client.put("/catalog/echo", content=content, headers=headers)
        assert answer.status_code in {400, 413, 422}, (document[:40], answer.text[:300])
    huge = client.put("/catalog/echo", content=b'{"version": "' + b"1" * 20_000_000 + b'"}', headers=headers)
    assert huge.status_code == 413
    assert client.get("/catalog/echo", headers=headers).json()["owner"] == "good"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https://a b", "//x"])
def test_links_that_would_run_or_read_something_are_refused(client: TestClient, auth: Auth, url: str) -> None:
    """A page about a service is http or https; a screen may show it as a link."""
    entry = {"version": "1", "docs": [{"title": "t", "url": url}]}
    answer = client.put("/catalog/echo", json=entry, headers=auth("operator"))
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "body.docs.0.url")


def test_markup_is_kept_as_text(client: TestClient, auth: Auth) -> None:
    """What looks like markup comes back as JSON text, byte for byte, and never as a page."""
    owner = "<script>alert('x')</script> & {{7*7}} ${jndi:ldap://x} '; DROP TABLE catalog_revisions; --"
    headers = auth("operator")
    client.put("/catalog/echo", json={"version": "1", "owner": owner}, headers=headers)
    answer = client.get("/catalog/echo", headers=headers)
    assert answer.json()["owner"] == owner
    assert answer.headers["content-type"] == "application/json"


def test_an_observation_sent_twice_with_a_key_counts_once(client: TestClient, auth: Auth) -> None:
    """With an idempotency key the same portion is counted once, however often it is sent."""
    headers = {**auth("operator"), "Idempotency-Key": "portion-1"}
    portion = {"observations": [{"caller": "a", "callee": "b", "calls": 5}]}
    for _ in range(3):
        assert client.post("/catalog/observations", json=portion, headers=headers).status_code == 202
    (observed,) = client.get("/catalog/a/dependencies", headers=headers).json()["observed"]
    assert observed["calls"] == 5


@pytest.mark.parametrize(
    "observation",
    [
        {"calls": -1},
        {"calls": 10**30},
        {"calls": 1.5},
        {"errors": 2},
        {"caller": "A"},
        {"last_seen": "2999-01-01T00:00:00Z"},
        {"last_seen": "0001-01-01T00:00:00+14:00"},
        {"last_seen": "2026-01-01T00:00:00"},
        {"first_seen": "9999-12-31T23:59:59-14:00"},
        {"more": 1},
    ],
)
def test_observations_that_never_were_are_refused(client: TestClient, auth: Auth, observation: dict[str, Any]) -> None:
    """Counts, names and times that cannot be are 422, and the good ones beside them are not counted either."""
    good = {"caller": "a", "callee": "b", "calls": 1}
    portion = {"observations": [good, {**good, **observation}]}
    answer = client.post("/catalog/observations", json=portion, headers=auth("operator"))
    assert answer.status_code == 422, answer.text
    assert client.get("/catalog/a/dependencies", headers=auth("viewer")).status_code == 404


def test_errors_tell_nothing_of_the_machine(client: TestClient, auth: Auth, tmp_path: Any) -> None:
    """No answer to a bad request names a file, a statement or a line of code."""
    headers = auth("admin")
    answers = [
        client.put(INSTANCE, json={"url": 1}, headers=headers),
        client.get("/catalog/nobody", headers=headers),
        client.get("/services/nobody", headers=headers),
        client.post("/catalog/observations", json={"observations": [1]}, headers=headers),
        client.get("/services/watch", headers={**headers, "Last-Event-ID": "x" * 101}),
    ]
    for answer in answers:
        assert 400 <= answer.status_code < 500
        for secret in (str(tmp_path), "Traceback", "sqlite", "SELECT", ".py"):
            assert secret not in answer.text


@pytest.mark.timeout(0 if EXAMPLES > 10 else 120)
def test_no_request_is_answered_with_a_5xx(app: MaestroAPI, client: TestClient, auth: Auth) -> None:
    """Requests made from each operation's schema, and against it, get an answer that is not the service's fault."""
    failures: dict[str, str] = {}
    answered: set[int] = set()
    headers = auth("admin")
    for result in schemathesis.openapi.from_dict(app.openapi()).get_all_operations():
        operation = result.ok()
        if operation.path == "/services/watch":
            continue  # it answers without end
        modes = [
            operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        ]

        @settings(
            max_examples=EXAMPLES,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            derandomize=EXAMPLES <= 10,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=st.one_of(*modes))
        def attack(case: Any) -> None:
            wanted = case.as_transport_kwargs(base_url=str(client.base_url))
            sent = {name: str(text) for name, text in wanted["headers"].items() if name.lower() != "authorization"}
            body = wanted.get("data")
            try:
                answer = client.request(
                    wanted["method"],
                    wanted["url"],
                    params=wanted.get("params"),
                    headers={**sent, **headers},
                    json=wanted.get("json"),
                    content=body if isinstance(body, bytes | str) else None,
                )
            except (UnicodeError, ValueError):
                return  # no client can send this
            answered.add(answer.status_code)
            # 507 is the limit of this registry, which the flood of made-up instances reaches.
            if answer.status_code >= 500 and answer.status_code != 507:
                failures[case.operation.label] = f"{case.as_curl_command()}\n{answer.status_code} {answer.text}"

        attack()
    assert answered & {200, 201, 202, 204}
    assert answered & {400, 404, 422}
    assert not failures, "\n\n".join(failures.values())
