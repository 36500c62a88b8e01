import pytest
from pydantic import JsonValue

from intelligence_service.domain.answers import AnswerSchema
from intelligence_service.domain.conversation import ask
from intelligence_service.domain.errors import ModelOutputInvalidError
from intelligence_service.domain.model import Message, ModelReply, ModelRequest
from intelligence_service.testing import ScriptedModel

SCHEMA: dict[str, JsonValue] = {"type": "object", "required": ["mood"]}
REQUEST = ModelRequest((Message("user", "how?"),), "answer", SCHEMA, 0.0, 50)


async def test_a_good_answer_is_taken_at_once() -> None:
    """A valid first answer costs one question."""
    model = ScriptedModel('{"mood": "happy"}')
    answer = await ask(model, REQUEST, AnswerSchema(SCHEMA))
    assert (answer.value, answer.attempts, answer.model) == ({"mood": "happy"}, 1, "scripted-1")


async def test_a_bad_answer_is_asked_for_again_with_its_faults() -> None:
    """The second question shows the first answer and says what was wrong with it."""
    model = ScriptedModel("{}", '{"mood": "sad"}')
    answer = await ask(model, REQUEST, AnswerSchema(SCHEMA))
    assert (answer.value, answer.attempts) == ({"mood": "sad"}, 2)
    said = model.requests[1].messages
    assert [message.role for message in said] == ["user", "assistant", "user"]
    assert '"mood" is a required property' in said[2].content


async def test_two_bad_answers_are_enough() -> None:
    """After the second bad answer the faults and the answer's beginning are reported."""
    model = ScriptedModel("well", "hm" * 1000)
    with pytest.raises(ModelOutputInvalidError) as caught:
        await ask(model, REQUEST, AnswerSchema(SCHEMA))
    assert (caught.value.attempts, caught.value.code) == (2, "MODEL_OUTPUT_INVALID")
    assert len(caught.value.output) == 500
    assert len(model.requests) == 2


async def test_an_answer_that_was_cut_says_so() -> None:
    """When the limit of tokens spoiled the answer, the limit is named."""

    class Cut(ScriptedModel):
        async def complete(self, request: ModelRequest) -> ModelReply:
            reply = await super().complete(request)
            return ModelReply(reply.text, reply.model, truncated=True)

    with pytest.raises(ModelOutputInvalidError, match=r"cut at 50 tokens \(max_tokens\)"):
        await ask(Cut('{"mood', '{"mood'), REQUEST, AnswerSchema(SCHEMA))
