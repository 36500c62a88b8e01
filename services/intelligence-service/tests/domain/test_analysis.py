from collections.abc import Mapping
from datetime import timedelta

import pytest
from pydantic import JsonValue

from intelligence_service.cache import CachedAnswers, ExactCache, RecallOptions, SemanticCache
from intelligence_service.domain.analysis import Method, Outcome, fingerprint
from intelligence_service.domain.analyst import Analyst
from intelligence_service.domain.errors import ModelUnavailableError, PersonaInvalidError, PersonaNotFoundError
from intelligence_service.domain.learning import Question
from intelligence_service.domain.model import Model, ModelReply, ModelRequest
from intelligence_service.domain.personas import Persona
from intelligence_service.testing import FakeClock, FixedPersonas, ScriptedModel, WordEncoder
from maestro_core_monitoring import MetricsCollector


class FixedRecognizer:
    def __init__(self, result: dict[str, JsonValue], *, complete: bool = True) -> None:
        self.outcome = Outcome(result, 0.9, ({"kind": "passage"},), Method.RECOGNIZER, complete=complete)
        self.seen: list[JsonValue] = []

    async def review(self, persona: Persona, analyzed: JsonValue, model: Model) -> Outcome:
        self.seen.append(analyzed)
        return self.outcome


class FixedMemory:
    """Knows no answer, and how often it was taught."""

    now = 0

    async def recall(self, tenant: str, persona: str, question: Question) -> None:
        return None

    async def revision(self, tenant: str, persona: str) -> int:
        return self.now


def analyst(
    model: ScriptedModel,
    *personas: Persona,
    clock: FakeClock,
    recognizers: Mapping[str, FixedRecognizer] | None = None,
    memory: FixedMemory | None = None,
) -> Analyst:
    life = timedelta(seconds=60)
    return Analyst(
        personas=FixedPersonas(*personas),
        model_of=lambda tenant: model,
        recall=CachedAnswers(
            ExactCache(life, clock=clock),
            None if memory is None else SemanticCache(life, clock=clock, floor=0.8, budget=0.01),
            options=RecallOptions(shadow_ratio=0.0),
            draw=lambda: 0.5,
            metrics=MetricsCollector("test"),
        ),
        recognizers=recognizers or {},
        encoder=None if memory is None else WordEncoder(),
        memory=memory,
    )


async def test_the_model_answers_by_the_personas_schema(mood_persona: Persona, clock: FakeClock) -> None:
    """A persona without a recogniser asks the model, with its schema and its options."""
    model = ScriptedModel('{"mood": "sad"}')
    analysis = await analyst(model, mood_persona, clock=clock).analyze("mood", "rain again")
    assert analysis.result == {"mood": "sad"}
    assert (analysis.method, analysis.model, analysis.cached) == (Method.MODEL, "scripted-1", False)
    assert (analysis.persona, analysis.persona_version, analysis.confidence) == ("mood", "2.1.0", None)
    assert model.requests[0].schema == mood_persona.output_schema
    assert model.requests[0].max_tokens == 512


async def test_the_same_question_is_answered_from_memory(mood_persona: Persona, clock: FakeClock) -> None:
    """The second time nobody is asked, until the memory is too old."""
    model = ScriptedModel('{"mood": "sad"}', '{"mood": "happy"}')
    service = analyst(model, mood_persona, clock=clock)
    first = await service.analyze("mood", "rain")
    second = await service.analyze("mood", "rain")
    assert (second.result, second.cached, len(model.requests)) == (first.result, True, 1)
    clock.now += 60
    assert (await service.analyze("mood", "rain")).result == {"mood": "happy"}


@pytest.mark.parametrize("again", ["the rain is back", "back is the rain"])
async def test_an_answer_from_before_a_lesson_is_not_given_after_it(
    mood_persona: Persona, clock: FakeClock, again: str
) -> None:
    """Not from either cache, though the answer comes after the lesson, or the lesson was given to another process."""
    memory = FixedMemory()

    class TaughtMeanwhile(ScriptedModel):
        async def complete(self, request: ModelRequest) -> ModelReply:
            memory.now += 1 if not self.requests else 0
            return await super().complete(request)

    model = TaughtMeanwhile('{"mood": "sad"}', '{"mood": "happy"}', '{"mood": "sad"}')
    service = analyst(model, mood_persona, clock=clock, memory=memory)
    await service.analyze("mood", "the rain is back")
    after = await service.analyze("mood", again)
    assert (after.result, after.cached) == ({"mood": "happy"}, False)
    assert (await service.analyze("mood", again)).cached
    memory.now += 1
    assert not (await service.analyze("mood", again)).cached


def test_what_makes_a_question_another(mood_persona: Persona) -> None:
    """Input, context, model, lessons and any change to the persona make a new question; the order of members does not."""
    same = fingerprint(mood_persona, {"a": 1, "b": 2}, None, "m")
    assert same == fingerprint(mood_persona, {"b": 2, "a": 1}, {}, "m")
    edited = mood_persona.model_copy(update={"system_prompt": "Otherwise."})
    others = [
        fingerprint(mood_persona, {"a": 1}, None, "m"),
        fingerprint(mood_persona, {"a": 1, "b": 2}, {"c": 3}, "m"),
        fingerprint(mood_persona, {"a": 1, "b": 2}, None, "n"),
        fingerprint(edited, {"a": 1, "b": 2}, None, "m"),
        fingerprint(mood_persona, {"a": 1, "b": 2}, None, "m", 1),
    ]
    assert len({same, *others}) == 6


async def test_a_recogniser_answers_without_the_model(license_persona: Persona, clock: FakeClock) -> None:
    """A persona that names a recogniser gets its answer, confidence and evidence."""
    recognizer = FixedRecognizer({"expression": "MIT", "confidence": 0.9})
    service = analyst(ScriptedModel(), license_persona, clock=clock, recognizers={"spdx-license-text": recognizer})
    analysis = await service.analyze("license-analyst", {"text": "…"})
    assert (analysis.result, analysis.confidence) == ({"expression": "MIT", "confidence": 0.9}, 0.9)
    assert analysis.evidence == ({"kind": "passage"},)
    assert recognizer.seen == [{"text": "…"}]


async def test_an_incomplete_answer_is_not_remembered(license_persona: Persona, clock: FakeClock) -> None:
    """What was found while the model was away is looked at again next time."""
    recognizer = FixedRecognizer({"expression": None, "confidence": 0}, complete=False)
    service = analyst(ScriptedModel(), license_persona, clock=clock, recognizers={"spdx-license-text": recognizer})
    for _ in range(2):
        assert not (await service.analyze("license-analyst", "text")).cached
    assert len(recognizer.seen) == 2


async def test_a_recognisers_answer_is_checked_against_the_schema(license_persona: Persona, clock: FakeClock) -> None:
    """When the persona's schema has no room for the answer, the persona is at fault and says where."""
    recognizer = FixedRecognizer({"expression": "MIT"})
    service = analyst(ScriptedModel(), license_persona, clock=clock, recognizers={"spdx-license-text": recognizer})
    with pytest.raises(PersonaInvalidError, match='"confidence" is a required property'):
        await service.analyze("license-analyst", "text")


async def test_an_unknown_recogniser_is_the_personas_fault(license_persona: Persona, clock: FakeClock) -> None:
    """The message names the recognisers there are."""
    persona = license_persona.model_copy(update={"recognizer": "crystal-ball"})
    service = analyst(ScriptedModel(), persona, clock=clock, recognizers={"known-one": FixedRecognizer({})})
    with pytest.raises(PersonaInvalidError, match="'crystal-ball' is unknown; there is: known-one"):
        await service.analyze("license-analyst", "text")


async def test_a_schema_that_is_none_is_the_personas_fault(mood_persona: Persona, clock: FakeClock) -> None:
    """The model is not asked with a schema that is invalid."""
    model = ScriptedModel()
    persona = mood_persona.model_copy(update={"output_schema": {"type": "nonsense"}})
    with pytest.raises(PersonaInvalidError, match="output_schema"):
        await analyst(model, persona, clock=clock).analyze("mood", "text")
    assert model.requests == []


async def test_unknown_personas_and_failing_models_are_passed_on(mood_persona: Persona, clock: FakeClock) -> None:
    """Errors come out as they are, and a failure is not remembered."""
    model = ScriptedModel(ModelUnavailableError("e", "away", hint="start it"), '{"mood": "sad"}')
    service = analyst(model, mood_persona, clock=clock)
    with pytest.raises(PersonaNotFoundError):
        await service.analyze("nobody", "text")
    with pytest.raises(ModelUnavailableError):
        await service.analyze("mood", "text")
    assert (await service.analyze("mood", "text")).result == {"mood": "sad"}


@pytest.mark.parametrize(("stated", "taken"), [(0.4, 0.4), (1, 1.0), (7, None), (True, None), ("high", None)])
async def test_a_confidence_that_the_model_states(
    mood_persona: Persona, clock: FakeClock, stated: JsonValue, taken: float | None
) -> None:
    """A member `confidence` between 0 and 1 is taken over, anything else is not."""
    import json

    persona = mood_persona.model_copy(update={"output_schema": {"type": "object"}})
    model = ScriptedModel(json.dumps({"confidence": stated}))
    assert (await analyst(model, persona, clock=clock).analyze("mood", "x")).confidence == taken
