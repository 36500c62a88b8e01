from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from maestro.config import OrchestratorConfig
from maestro_core_api import APIClient, RemoteAPIException

Make = Callable[..., dict[str, Any]]
JOB = "/workflows/tests/job/1.0.0"
YAML = """
# A comment that is no content.
document: {dsl: '1.0.3', namespace: tests, name: job, version: 1.0.0, title: A job}
do:
  - greet: {set: {text: hello}}
"""


async def _refused(client: APIClient, url: str, body: bytes | str) -> RemoteAPIException:
    with pytest.raises(RemoteAPIException) as caught:
        await client.put(url, content=body)
    return caught.value


async def test_a_document_is_registered_once(client: APIClient, document: Make) -> None:
    """A new document answers 201; the same content again, in whatever form, answers 200 with the same definition."""
    first = await client.put(JOB, content=YAML)
    again = await client.put(JOB, json=document({"greet": {"set": {"text": "hello"}}}))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["kind"] == "document"
    assert first.json()["title"] == "A job"
    assert first.json()["document"]["do"] == [{"greet": {"set": {"text": "hello"}}}]


async def test_a_registered_version_never_changes(client: APIClient, document: Make) -> None:
    """Other content under a registered version answers 409 and changes nothing."""
    await client.put(JOB, content=YAML)
    error = await _refused(client, JOB, YAML.replace("hello", "good bye"))
    assert (error.status_code, error.error_code) == (409, "CONFLICT")
    assert "another version" in str(error)
    assert (await client.get(JOB)).json()["document"]["do"] == [{"greet": {"set": {"text": "hello"}}}]


async def test_every_fault_is_listed_with_its_path(client: APIClient) -> None:
    """An invalid document answers 422 with all faults at once: each with its path, and line and column."""
    bad = """
document: {dsl: '1.0.3', namespace: tests, name: job, version: one}
do:
  - first: {call: http, with: {method: get}}
  - second: {set: {text: '${ .a + }'}}
  - third: {wiat: {seconds: 1}}
"""
    error = await _refused(client, JOB, bad)
    assert (error.status_code, error.error_code) == (422, "INVALID_WORKFLOW")
    paths = [item["path"] for item in error.errors]
    assert [path for path in paths if path.startswith("/document/version")]
    assert [path for path in paths if path.startswith("/do/0/first/with")]
    assert [path for path in paths if path.startswith("/do/1/second/set/text")]
    assert [path for path in paths if path.startswith("/do/2/third")]
    assert all("line " in item["message"] for item in error.errors)
    assert (await client.get("/workflows")).json()["workflows"][-1]["name"] != "job"


async def test_steps_that_are_not_there_are_faults(client: APIClient, document: Make) -> None:
    """A document that calls unknown steps is refused, with a hint at what was probably meant."""
    tasks = [{"write": {"call": "noet", "with": {}}}, {"more": {"call": "nothing-like-it"}}]
    with pytest.raises(RemoteAPIException) as caught:
        await client.put(JOB, json=document(*tasks))
    assert [item["path"] for item in caught.value.errors] == ["/do/0/write/call", "/do/1/more/call"]
    assert "did you mean 'note'?" in caught.value.errors[0]["message"]


async def test_the_document_says_what_the_address_says(client: APIClient) -> None:
    """A document under an address that is not its own is refused, for each part that differs."""
    error = await _refused(client, "/workflows/others/task/2.0.0", YAML)
    assert error.error_code == "INVALID_WORKFLOW"
    assert [item["path"] for item in error.errors] == ["/document/namespace", "/document/name", "/document/version"]


async def test_the_namespace_of_modules_is_not_for_documents(client: APIClient) -> None:
    """No document may call itself what a Python workflow may be called."""
    body = YAML.replace("namespace: tests", "namespace: python")
    error = await _refused(client, "/workflows/python/job/1.0.0", body)
    assert "belongs to workflows from Python modules" in error.errors[0]["message"]


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\x00", b"[1, 2", b"a: b: c", b"- just\n- a list"])
async def test_what_is_no_document_at_all_is_refused(client: APIClient, body: bytes) -> None:
    """Nothing, bytes, broken JSON, broken YAML and other YAML are each one clear fault, not a failure of the service."""
    error = await _refused(client, JOB, body)
    assert (error.status_code, error.error_code) == (422, "INVALID_WORKFLOW")
    assert error.errors


async def test_a_body_that_is_too_large_is_not_read(client: APIClient, config: OrchestratorConfig) -> None:
    """A body above max_request_bytes, announced or not, answers 413 as a problem document, on every endpoint."""
    padding = "# x\n" * config.max_request_bytes
    error = await _refused(client, JOB, YAML + padding)
    assert (error.status_code, (error.problem or {})["status"]) == (413, 413)
    assert f"at most {config.max_request_bytes} bytes" in str(error)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield padding[:8_192].encode()

    with pytest.raises(RemoteAPIException) as caught:
        await client.put(JOB, content=pieces())  # type: ignore[arg-type]  # goes out in chunks, without a length
    assert (caught.value.status_code, (caught.value.problem or {})["status"]) == (413, 413)
    with pytest.raises(RemoteAPIException) as caught:
        await client.post("/runs", json={"workflow": padding})
    assert (caught.value.status_code, (caught.value.problem or {})["status"]) == (413, 413)


async def test_definitions_are_listed_by_name_latest_first(client: APIClient) -> None:
    """Listings hold documents and Python workflows; of several versions the one registered last is the latest."""
    await client.put("/workflows/tests/job/2.0.0", content=YAML.replace("version: 1.0.0", "version: 2.0.0"))
    await client.put(JOB, content=YAML)
    listed = (await client.get("/workflows")).json()["workflows"]
    assert [(w["namespace"], w["name"], w["version"], w["kind"], w["latest"]) for w in listed] == [
        ("office", "approval", "2.1.0", "python", True),
        ("python", "add", "1.0.0", "python", True),
        ("python", "basket", "1.0.0", "python", True),
        ("python", "failing", "1.0.0", "python", True),
        ("tests", "job", "1.0.0", "document", True),
        ("tests", "job", "2.0.0", "document", False),
    ]
    versions = (await client.get("/workflows/tests/job")).json()["workflows"]
    assert [w["version"] for w in versions] == ["1.0.0", "2.0.0"]
    shown = (await client.get("/workflows/python/add/1.0.0")).json()
    assert (shown["title"], shown["document"]) == ("Adds two numbers.", None)


@pytest.mark.parametrize("url", ["/workflows/tests/gone", "/workflows/tests/gone/1.0.0", "/workflows/python/add/9.9.9"])
async def test_an_unknown_definition_is_named_with_those_there_are(client: APIClient, url: str) -> None:
    """A definition that is not there answers 404 and lists the ones that are."""
    with pytest.raises(RemoteAPIException) as caught:
        await client.get(url)
    assert (caught.value.status_code, caught.value.error_code) == (404, "WORKFLOW_NOT_FOUND")
    assert "python/add:1.0.0" in (caught.value.problem or {})["available"]


async def test_a_python_workflow_is_not_replaced_by_a_document(client: APIClient) -> None:
    """A document under the name and version of a Python workflow answers 409."""
    body = YAML.replace(
        "namespace: tests, name: job, version: 1.0.0", "namespace: office, name: approval, version: 2.1.0"
    )
    error = await _refused(client, "/workflows/office/approval/2.1.0", body)
    assert (error.status_code, error.error_code) == (409, "CONFLICT")
