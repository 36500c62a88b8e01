import pytest
from pydantic import JsonValue

from intelligence_service.domain.answers import AnswerSchema

MOOD: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"mood": {"enum": ["happy", "sad"]}, "score": {"type": "number"}},
    "required": ["mood"],
    "additionalProperties": False,
}


def test_an_answer_that_obeys_has_no_faults() -> None:
    """A valid answer passes, also inside a Markdown fence."""
    schema = AnswerSchema(MOOD)
    assert schema.parse('{"mood": "happy"}') == ({"mood": "happy"}, [])
    assert schema.parse('```json\n{"mood": "sad"}\n```') == ({"mood": "sad"}, [])


def test_every_fault_is_told_with_its_place() -> None:
    """All violations are listed with their paths."""
    faults = AnswerSchema(MOOD).faults({"mood": "bored", "score": "high"})
    assert sorted(fault.path for fault in faults) == ["mood", "score"]


def test_words_that_are_no_json_are_a_fault() -> None:
    """Prose instead of JSON is a fault and not a crash."""
    value, faults = AnswerSchema(MOOD).parse("I think it is happy.")
    assert value is None
    assert "is not JSON" in faults[0].message


def test_a_schema_that_is_none_is_refused() -> None:
    """An invalid schema is refused when it is made ready."""
    with pytest.raises(ValueError, match="nonsense"):
        AnswerSchema({"type": "nonsense"})


def test_references_to_other_documents_are_not_followed() -> None:
    """A schema cannot make the service fetch an address."""
    with pytest.raises(ValueError, match="not followed"):
        AnswerSchema({"$ref": "http://127.0.0.1:1/schema.json"})


def test_a_closed_schema_selects_its_members() -> None:
    """Members that a closed schema does not know are left out; an open one takes all."""
    answer: dict[str, JsonValue] = {"mood": "sad", "other": 1}
    assert AnswerSchema(MOOD).select(answer) == {"mood": "sad"}
    assert AnswerSchema({"type": "object"}).select(answer) == answer
