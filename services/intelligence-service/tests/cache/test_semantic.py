import asyncio
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from intelligence_service.cache import CachedAnswers, ExactCache, RecallOptions, SemanticCache
from intelligence_service.domain.analyst import Analyst
from intelligence_service.domain.personas import Persona
from intelligence_service.testing import FakeClock, FixedPersonas, ScriptedModel, WordEncoder
from maestro_core_monitoring import MetricsCollector


def cached(
    clock: FakeClock, *, floor: float = 0.8, shadow: float = 0.0, ttl: int = 60, capacity: int = 100
) -> CachedAnswers:
    life = timedelta(seconds=ttl)
    return CachedAnswers(
        ExactCache(life, clock=clock),
        SemanticCache(life, clock=clock, floor=floor, budget=0.01, capacity=capacity),
        options=RecallOptions(shadow_ratio=shadow),
        draw=lambda: 0.5,
        metrics=MetricsCollector("test"),
    )


def analyst(model: ScriptedModel, answers: CachedAnswers, *personas: Persona) -> Analyst:
    return Analyst(
        personas=FixedPersonas(*personas),
        model_of=lambda tenant: model,
        recall=answers,
        recognizers={},
        encoder=WordEncoder(),
    )


async def test_a_question_that_means_the_same_is_answered_from_memory(clock: FakeClock, mood_persona: Persona) -> None:
    """The answer is given with the likeness as evidence; another order of words is another question for the exact cache only."""
    model = ScriptedModel('{"mood": "sad"}')
    answers = cached(clock)
    service = analyst(model, answers, mood_persona)
    await service.analyze("mood", "the rain is back again today", tenant="acme")
    second = await service.analyze("mood", "today the rain is back again", tenant="acme")
    assert (second.result, second.cached, len(model.requests)) == ({"mood": "sad"}, True, 1)
    assert second.evidence[-1]["question"] == "the rain is back again today"
    assert answers.semantic is not None
    assert (answers.semantic.counts("acme").hits, answers.exact.counts("acme").misses) == (1, 2)


@pytest.mark.parametrize("other", [{"tenant": "evil"}, {"tenant": ""}, {"context": {"place": "Oslo"}}])
async def test_another_tenant_or_context_is_another_question(
    clock: FakeClock, mood_persona: Persona, other: dict[str, Any]
) -> None:
    """Neither the same words nor words of the same meaning reach across."""
    model = ScriptedModel(*['{"mood": "sad"}', '{"mood": "happy"}'] * 2)
    service = analyst(model, cached(clock), mood_persona)
    await service.analyze("mood", "the rain is back", tenant="acme")
    for words in ("the rain is back", "back is the rain"):
        asked = {"tenant": "acme", **other}
        answer = await service.analyze("mood", words, asked.get("context"), tenant=asked["tenant"])
        assert not answer.cached or words != "the rain is back"
    assert len(model.requests) == 2
    assert answer.result == {"mood": "happy"}


async def test_what_the_model_says_otherwise_raises_the_threshold(clock: FakeClock, mood_persona: Persona) -> None:
    """A shadow check that differs is a false hit: the same likeness is not enough any more."""
    model = ScriptedModel('{"mood": "sad"}', '{"mood": "happy"}', '{"mood": "sad"}')
    answers = cached(clock, shadow=1.0)
    service = analyst(model, answers, mood_persona)
    async with answers.at_work():
        await service.analyze("mood", "the rain is back", tenant="acme")
        assert (await service.analyze("mood", "back is the rain", tenant="acme")).cached
        while not answers.semantic or not answers.semantic.false_hits("acme")["mood"].threshold > 0.8:
            await asyncio.sleep(0.01)
        assert answers.semantic.false_hits("acme")["mood"].false in (0, 1)
        third = await service.analyze("mood", "is back the rain", tenant="acme")
    assert not third.cached
    assert "mood" not in answers.semantic.false_hits("evil")


async def test_a_miss_checks_for_nothing(clock: FakeClock, mood_persona: Persona) -> None:
    """Where the model is asked anyway, near questions below the raised threshold are compared too."""
    model = ScriptedModel(*['{"mood": "sad"}'] * 9)
    answers = cached(clock, floor=0.5)
    service = analyst(model, answers, mood_persona)
    assert answers.semantic is not None
    await service.analyze("mood", "the rain is back", tenant="acme")
    near = answers.semantic.look("acme", "mood", "other kind", "x", np.ones(64, np.float32))
    assert near is None
    await service.analyze("mood", "a sun of gold", tenant="acme")
    await service.analyze("mood", "rain back home", tenant="acme")
    assert answers.semantic.false_hits("acme")["mood"].false == 0


async def test_it_is_bounded_and_can_be_emptied(clock: FakeClock, mood_persona: Persona) -> None:
    """The oldest makes room, time takes the rest, and a tenant's persona can be forgotten without touching others."""
    model = ScriptedModel(*['{"mood": "sad"}'] * 9)
    answers = cached(clock, capacity=2, floor=1.0)
    service = analyst(model, answers, mood_persona)
    assert answers.semantic is not None
    for words in ("red", "green", "blue"):
        await service.analyze("mood", words, tenant="acme")
    await service.analyze("mood", "red", tenant="other")
    assert answers.semantic.size("acme") == 2
    assert answers.invalidate("acme", "nobody") == 0
    assert answers.invalidate("acme", "mood") == 5
    assert (answers.semantic.size("acme"), answers.semantic.size("other")) == (0, 1)
    clock.now += 61
    await service.analyze("mood", "red", tenant="other")
    assert answers.semantic.size("other") == 1
