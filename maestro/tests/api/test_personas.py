import jsonschema_rs
import pytest

from maestro_core_api import APIClient, RemoteAPIException


async def test_a_fresh_system_has_its_personas(client: APIClient) -> None:
    """The built-in personas are listed by name and shown in full; the licence analyst names its recogniser."""
    listed = (await client.get("/personas")).json()["personas"]
    assert [persona["name"] for persona in listed] == ["license-analyst", "summarizer"]
    analyst = (await client.get("/personas/license-analyst")).json()
    assert analyst == listed[0]
    assert analyst["recognizer"] == "spdx-license-text"
    assert analyst["system_prompt"]


async def test_the_licence_analysts_answer_has_room_for_what_was_found(client: APIClient) -> None:
    """Its schema takes an answer with expression, ids and confidence, and one without a licence; not a bare text."""
    schema = (await client.get("/personas/license-analyst")).json()["output_schema"]
    fits = jsonschema_rs.validator_for(schema).is_valid
    assert fits({"expression": "MIT", "ids": ["MIT"], "confidence": 1.0, "method": "recognizer", "texts": [{}]})
    assert fits({"expression": None, "ids": [], "confidence": 0, "notes": ["no text names a licence"]})
    assert not fits({"expression": "MIT"})
    assert not fits("MIT")


async def test_an_unknown_persona_is_named_with_those_there_are(client: APIClient) -> None:
    """A persona that is not there answers 404 and lists the ones that are."""
    with pytest.raises(RemoteAPIException) as caught:
        await client.get("/personas/oracle")
    assert (caught.value.status_code, caught.value.error_code) == (404, "PERSONA_NOT_FOUND")
    assert (caught.value.problem or {})["available"] == ["license-analyst", "summarizer"]
