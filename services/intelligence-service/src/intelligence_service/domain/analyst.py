"""Analyse an input by a persona: remembered answer, recogniser, what was learnt, model, in this order."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

from pydantic import JsonValue

from intelligence_service.domain.analysis import Analysis, Method, Recognizer, fingerprint
from intelligence_service.domain.answers import AnswerSchema
from intelligence_service.domain.conversation import ATTEMPTS, AskedAgain, StructuredAnswer, ask, ask_streaming
from intelligence_service.domain.errors import Fault, PersonaInvalidError
from intelligence_service.domain.learning import Encoder, Memory, Question, Recollection, words_of
from intelligence_service.domain.model import Model, ModelRequest
from intelligence_service.domain.personas import Persona, PersonaSource
from intelligence_service.domain.prompts import opening_messages
from intelligence_service.domain.recall import Recall

ModelOf = Callable[[str], Model]
"""The model as a tenant may use it."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question on its way."""

    tenant: str
    persona: Persona
    schema: AnswerSchema
    analyzed: JsonValue
    context: Mapping[str, JsonValue] | None
    model: Model
    key: str
    """Fingerprint of the question."""
    kind: str
    """Fingerprint of everything but its input."""
    question: Question | None
    """None when the input is too long to be compared."""
    known: Recollection | None
    """What was learnt about it."""

    def request(self) -> ModelRequest:
        """Write the question to the model, with the nearest examples."""
        options = self.persona.model
        return ModelRequest(
            messages=opening_messages(
                self.persona, self.analyzed, self.context, () if self.known is None else self.known.nearest
            ),
            schema_name="answer",
            schema=self.persona.output_schema,
            temperature=options.temperature,
            max_tokens=options.max_tokens,
        )


class Analyst:
    """Answers requests for analysis.

    Args:
        personas: Where personas come from.
        model_of: Gives the model as a tenant may use it.
        recall: Remembers answers.
        recognizers: Recognisers by the name that personas use.
        encoder: Encodes questions; None compares none, and learns nothing.
        memory: What was learnt; None: nothing is.
        attempts: How often a model is asked for an answer that obeys the schema.
    """

    def __init__(
        self,
        *,
        personas: PersonaSource,
        model_of: ModelOf,
        recall: Recall,
        recognizers: Mapping[str, Recognizer],
        encoder: Encoder | None = None,
        memory: Memory | None = None,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._personas = personas
        self._model_of = model_of
        self._recall = recall
        self._recognizers = dict(recognizers)
        self._encoder = encoder
        self._memory = memory
        self._attempts = attempts

    async def analyze(
        self,
        persona_name: str,
        analyzed: JsonValue,
        context: Mapping[str, JsonValue] | None = None,
        *,
        tenant: str = "",
    ) -> Analysis:
        """Analyse an input.

        Args:
            persona_name: Name of the persona.
            analyzed: The input: text or a JSON object.
            context: What else the persona may need to know.
            tenant: Who asks; empty for callers without a tenant. Nothing of one tenant is ever given to another.

        Returns:
            The answer.

        Raises:
            IntelligenceError: See `errors`.
        """
        begun = await self._begin(persona_name, analyzed, context, tenant)
        if isinstance(begun, Analysis):
            return begun
        return self._remember(begun, await self._ask_model(begun))

    async def stream(
        self,
        persona_name: str,
        analyzed: JsonValue,
        context: Mapping[str, JsonValue] | None = None,
        *,
        tenant: str = "",
    ) -> AsyncGenerator[str | AskedAgain | Analysis]:
        """Analyse an input and give the model's words as they come. Closing the generator ends the model's work.

        Args:
            persona_name: Name of the persona.
            analyzed: The input.
            context: What else the persona may need to know.
            tenant: Who asks.

        Yields:
            Pieces of the model's answer; `AskedAgain` where they begin anew; last the answer.

        Raises:
            IntelligenceError: See `errors`.
        """
        begun = await self._begin(persona_name, analyzed, context, tenant)
        if isinstance(begun, Analysis):
            yield begun
            return
        asking = ask_streaming(begun.model, begun.request(), begun.schema, attempts=self._attempts)
        async with aclosing(asking) as pieces:
            async for piece in pieces:
                if isinstance(piece, StructuredAnswer):
                    yield self._remember(begun, _from_model(begun, piece))
                else:
                    yield piece

    async def _begin(
        self, persona_name: str, analyzed: JsonValue, context: Mapping[str, JsonValue] | None, tenant: str
    ) -> Analysis | _Asked:
        persona = await self._personas.get(persona_name)
        model = self._model_of(tenant)
        learnt = 0
        if self._memory is not None and persona.recognizer is None:
            learnt = await self._memory.revision(tenant, persona.name)
        key = fingerprint(persona, analyzed, context, model.identity, learnt)
        if (known := self._recall.same(tenant, key)) is not None:
            return replace(known, cached=True)
        schema = _schema_of(persona)
        if persona.recognizer is not None:
            analysis = await self._recognize(persona, persona.recognizer, analyzed, schema, model)
            if analysis.complete:
                self._recall.put(tenant, key, analysis)
            return analysis
        question = await self._encoded(words_of(analyzed, context))
        kind = fingerprint(persona, None, context, model.identity, learnt)
        asked = _Asked(tenant, persona, schema, analyzed, context, model, key, kind, question, None)
        if question is None:
            return asked
        if self._memory is not None:
            asked = replace(asked, known=await self._memory.recall(tenant, persona.name, question))
        return _from_memory(asked) or self._from_likeness(asked, question) or asked

    async def _encoded(self, words: str) -> Question | None:
        if self._encoder is None or not self._encoder.takes(words):
            return None
        return Question(words, (await self._encoder.encode([words]))[0])

    def _from_likeness(self, asked: _Asked, question: Question) -> Analysis | None:
        near = self._recall.like(asked.tenant, asked.persona.name, asked.kind, question)
        if near is None:
            return None
        if self._recall.wants_check():
            self._recall.check_later(asked.tenant, asked.persona.name, near, lambda: self._ask_model(asked))
        evidence: dict[str, JsonValue] = {
            "kind": "cache",
            "question": near.question,
            "similarity": round(near.similarity, 4),
        }
        return replace(near.analysis, cached=True, evidence=(*near.analysis.evidence, evidence))

    def _remember(self, asked: _Asked, analysis: Analysis) -> Analysis:
        self._recall.put(asked.tenant, asked.key, analysis)
        if asked.question is not None:
            self._recall.learn_likeness(asked.tenant, asked.persona.name, asked.kind, asked.question, analysis)
        return analysis

    async def _ask_model(self, asked: _Asked) -> Analysis:
        return _from_model(asked, await ask(asked.model, asked.request(), asked.schema, attempts=self._attempts))

    async def _recognize(
        self, persona: Persona, name: str, analyzed: JsonValue, schema: AnswerSchema, model: Model
    ) -> Analysis:
        recognizer = self._recognizers.get(name)
        if recognizer is None:
            known = ", ".join(sorted(self._recognizers))
            raise PersonaInvalidError(persona.name, [Fault("recognizer", f"{name!r} is unknown; there is: {known}")])
        outcome = await recognizer.review(persona, analyzed, model)
        result = schema.select(outcome.result)
        if faults := schema.faults(result):
            raise PersonaInvalidError(
                persona.name,
                [Fault("output_schema", f"the answer of {name} does not fit: {f.path} {f.message}") for f in faults],
            )
        return Analysis(
            persona=persona.name,
            persona_version=persona.version,
            result=result,
            confidence=outcome.confidence,
            evidence=outcome.evidence,
            method=outcome.method,
            model=outcome.model,
            complete=outcome.complete,
        )


def _from_memory(asked: _Asked) -> Analysis | None:
    """Answer from what was learnt, when it is sure and what was taught still obeys the persona's schema."""
    known = asked.known
    if known is None or not known.is_sure or asked.schema.faults(known.result):
        return None
    nearest: list[JsonValue] = [
        {"id": shown.id, "question": shown.question, "result": shown.result, "similarity": round(shown.similarity, 4)}
        for shown in known.nearest
    ]
    return Analysis(
        persona=asked.persona.name,
        persona_version=asked.persona.version,
        result=known.result,
        confidence=round(known.confidence, 4),
        evidence=({"kind": "learned", "nearest": nearest, "runner_up": known.runner_up},),
        method=Method.LEARNED,
    )


def _from_model(asked: _Asked, answer: StructuredAnswer) -> Analysis:
    evidence: dict[str, JsonValue] = {"kind": "model", "model": answer.model, "attempts": answer.attempts}
    if answer.endpoint:
        evidence |= {
            "endpoint": answer.endpoint,
            "input_tokens": answer.input_tokens,
            "output_tokens": answer.output_tokens,
            "cost_micros": answer.cost_micros,
        }
    if asked.known is not None:
        evidence["examples"] = list[JsonValue]([shown.id for shown in asked.known.nearest])
    return Analysis(
        persona=asked.persona.name,
        persona_version=asked.persona.version,
        result=answer.value,
        confidence=_own_confidence(answer.value),
        evidence=(evidence,),
        method=Method.MODEL,
        model=answer.model,
    )


def _schema_of(persona: Persona) -> AnswerSchema:
    try:
        return AnswerSchema(persona.output_schema)
    except ValueError as error:
        raise PersonaInvalidError(persona.name, [Fault("output_schema", str(error))]) from error


def _own_confidence(answer: JsonValue) -> float | None:
    """Take over the confidence that a model states, when its schema has one."""
    stated = answer.get("confidence") if isinstance(answer, dict) else None
    if isinstance(stated, int | float) and not isinstance(stated, bool) and 0 <= stated <= 1:
        return float(stated)
    return None
