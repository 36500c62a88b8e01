"""Analyse an input by a persona: remembered answer, recogniser, model, in this order."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from pydantic import JsonValue

from intelligence_service.domain.answers import AnswerSchema
from intelligence_service.domain.conversation import ask
from intelligence_service.domain.errors import Fault, PersonaInvalidError
from intelligence_service.domain.model import Model, ModelRequest
from intelligence_service.domain.personas import Persona, PersonaSource
from intelligence_service.domain.prompts import opening_messages


class Method(StrEnum):
    """How an answer was found."""

    RECOGNIZER = "recognizer"
    """By a method that compares; the confidence is measured."""
    MODEL = "model"
    """By a language model."""
    RECOGNIZER_AND_MODEL = "recognizer+model"
    """Recognised, with a model's suggestions for what was left open."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """An answer and where it comes from."""

    persona: str
    persona_version: str
    result: JsonValue
    """Obeys the persona's `output_schema`."""
    confidence: float | None
    """0 to 1; None when nothing is known about it."""
    evidence: tuple[Mapping[str, JsonValue], ...]
    method: Method
    model: str | None = None
    """The model that had a part in it; None without."""
    cached: bool = False
    """Whether it was remembered."""
    complete: bool = field(default=True)
    """Whether all means were at hand; an incomplete answer is not remembered."""


class AnalysisCache(Protocol):
    """Remembers answers for a while."""

    def get(self, key: str) -> Analysis | None:
        """Recall an answer.

        Args:
            key: Its fingerprint.

        Returns:
            The answer; None when it is unknown or too old.
        """

    def put(self, key: str, analysis: Analysis) -> None:
        """Remember an answer.

        Args:
            key: Its fingerprint.
            analysis: The answer.
        """


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a recogniser found."""

    result: dict[str, JsonValue]
    confidence: float | None
    evidence: tuple[Mapping[str, JsonValue], ...]
    method: Method
    model: str | None = None
    complete: bool = True


class Recognizer(Protocol):
    """A method that a persona can name in `recognizer`."""

    async def review(self, persona: Persona, analyzed: JsonValue, model: Model) -> Outcome:
        """Look at an input.

        Args:
            persona: The persona that asks.
            analyzed: The input.
            model: For what the method leaves open.

        Returns:
            What was found, possibly nothing.

        Raises:
            InputInvalidError: The input is not of the form that the method needs.
        """


class Analyst:
    """Answers requests for analysis.

    Args:
        personas: Where personas come from.
        model: Whom to ask.
        cache: Remembers answers.
        recognizers: Recognisers by the name that personas use.
    """

    def __init__(
        self, *, personas: PersonaSource, model: Model, cache: AnalysisCache, recognizers: Mapping[str, Recognizer]
    ) -> None:
        self._personas = personas
        self._model = model
        self._cache = cache
        self._recognizers = dict(recognizers)

    async def analyze(
        self, persona_name: str, analyzed: JsonValue, context: Mapping[str, JsonValue] | None = None
    ) -> Analysis:
        """Analyse an input.

        Args:
            persona_name: Name of the persona.
            analyzed: The input: text or a JSON object.
            context: What else the persona may need to know.

        Returns:
            The answer.

        Raises:
            IntelligenceError: See `errors`.
        """
        persona = await self._personas.get(persona_name)
        key = fingerprint(persona, analyzed, context, self._model.identity)
        if (known := self._cache.get(key)) is not None:
            return replace(known, cached=True)
        schema = _schema_of(persona)
        if persona.recognizer is None:
            analysis = await self._ask_model(persona, analyzed, context, schema)
        else:
            analysis = await self._recognize(persona, persona.recognizer, analyzed, schema)
        if analysis.complete:
            self._cache.put(key, analysis)
        return analysis

    async def _recognize(self, persona: Persona, name: str, analyzed: JsonValue, schema: AnswerSchema) -> Analysis:
        recognizer = self._recognizers.get(name)
        if recognizer is None:
            known = ", ".join(sorted(self._recognizers))
            raise PersonaInvalidError(persona.name, [Fault("recognizer", f"{name!r} is unknown; there is: {known}")])
        outcome = await recognizer.review(persona, analyzed, self._model)
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

    async def _ask_model(
        self, persona: Persona, analyzed: JsonValue, context: Mapping[str, JsonValue] | None, schema: AnswerSchema
    ) -> Analysis:
        request = ModelRequest(
            messages=opening_messages(persona, analyzed, context),
            schema_name="answer",
            schema=persona.output_schema,
            temperature=persona.model.temperature,
            max_tokens=persona.model.max_tokens,
        )
        answer = await ask(self._model, request, schema)
        return Analysis(
            persona=persona.name,
            persona_version=persona.version,
            result=answer.value,
            confidence=_own_confidence(answer.value),
            evidence=({"kind": "model", "model": answer.model, "attempts": answer.attempts},),
            method=Method.MODEL,
            model=answer.model,
        )


def fingerprint(
    persona: Persona, analyzed: JsonValue, context: Mapping[str, JsonValue] | None, model_identity: str
) -> str:
    """Name a question, so that the same question has the same name.

    Args:
        persona: Who is asked; the whole document counts, not only its version.
        analyzed: The input.
        context: What else was told.
        model_identity: Which model would answer.

    Returns:
        A hexadecimal SHA-256.
    """
    question = [persona.model_dump(mode="json"), analyzed, dict(context or {}), model_identity]
    return hashlib.sha256(json.dumps(question, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


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
