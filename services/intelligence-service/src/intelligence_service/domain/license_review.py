"""The recogniser `spdx-license-text`: licences by text similarity, the model for what that leaves open."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from intelligence_service.domain.analysis import Method, Outcome
from intelligence_service.domain.errors import (
    Fault,
    InputInvalidError,
    InputTooLongError,
    ModelOutputInvalidError,
    ModelRejectedError,
    ModelUnavailableError,
)
from intelligence_service.domain.license_suggestion import Suggestion, suggest
from intelligence_service.domain.licenses import LicenseFindings, LicenseRecognizer, Passage, TextFinding, Verdict
from intelligence_service.domain.model import Model
from intelligence_service.domain.personas import Persona

NAME = "spdx-license-text"
"""How personas name this recogniser."""
MOST_TEXTS = 500
"""Most texts in one input."""
_MOST_QUESTIONS = 3
"""Most open texts for which the model is asked; a distribution with more is for a person to read."""


@dataclass(frozen=True, slots=True)
class _Guesses:
    by_text: Mapping[str, Suggestion]
    trouble: str | None = None
    """Why the model could not be asked."""


class LicenseReview:
    """Recognises the licences of one distribution's texts.

    Args:
        load: Makes the recogniser; called in a thread, at the first need.
    """

    def __init__(self, load: Callable[[], LicenseRecognizer]) -> None:
        self._load = load
        self._loaded: LicenseRecognizer | None = None
        # One at a time: the work is pure computation, and more threads would only take turns.
        self._turn = asyncio.Lock()

    async def review(self, persona: Persona, analyzed: JsonValue, model: Model) -> Outcome:
        """See `Recognizer.review`.

        Args:
            persona: The persona that asks.
            analyzed: A text, `{"text", "name"?}` or `{"texts": [{"name", "text"}]}`.
            model: For texts that agree with no reference.

        Returns:
            The SPDX expression, its ids, and the finding for each text.

        Raises:
            InputInvalidError: The input has another form.
        """
        texts = texts_of(analyzed)
        async with self._turn:
            if self._loaded is None:
                self._loaded = await asyncio.to_thread(self._load)
            recognizer = self._loaded
            findings = await asyncio.to_thread(recognizer.recognize, texts)
        guesses = await _guess(recognizer, persona, findings, dict(texts), model)
        return _outcome(recognizer.source, findings, guesses)


def texts_of(analyzed: JsonValue) -> list[tuple[str, str]]:
    """Read the input.

    Args:
        analyzed: A text, `{"text", "name"?}` or `{"texts": [{"name", "text"}]}`.

    Returns:
        Name and content of each text; names are made distinct.

    Raises:
        InputInvalidError: The input has another form.
    """
    if isinstance(analyzed, str):
        return [("text", analyzed)]
    listed: JsonValue = None
    if isinstance(analyzed, dict):
        listed = analyzed.get("texts", [analyzed] if "text" in analyzed else None)
    if not isinstance(listed, list):
        raise InputInvalidError([Fault("input", 'give a text, {"text": …} or {"texts": [{"name": …, "text": …}]}')])
    if len(listed) > MOST_TEXTS:
        raise InputInvalidError([Fault("input.texts", f"has {len(listed)} texts; at most {MOST_TEXTS} are looked at")])
    texts: dict[str, str] = {}
    faults: list[Fault] = []
    for number, item in enumerate(listed):
        text = item.get("text") if isinstance(item, dict) else None
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(text, str):
            faults.append(Fault(f"input.texts.{number}.text", "must be a text"))
        elif name is not None and not isinstance(name, str):
            faults.append(Fault(f"input.texts.{number}.name", "must be a text"))
        else:
            label = name or ("text" if len(listed) == 1 else f"text {number + 1}")
            texts[label if label not in texts else f"{label} ({number + 1})"] = text
    if faults:
        raise InputInvalidError(faults)
    return list(texts.items())


async def _guess(
    recognizer: LicenseRecognizer, persona: Persona, findings: LicenseFindings, texts: Mapping[str, str], model: Model
) -> _Guesses:
    guesses: dict[str, Suggestion] = {}
    for finding in [text for text in findings.texts if text.verdict is Verdict.OPEN][:_MOST_QUESTIONS]:
        try:
            guesses[finding.name] = await suggest(
                model, persona, texts[finding.name], finding.candidates, recognizer.known_ids
            )
        except (ModelUnavailableError, ModelRejectedError, ModelOutputInvalidError, InputTooLongError) as error:
            return _Guesses(guesses, f"the model could not be asked about {finding.name}: {error}")
    return _Guesses(guesses)


def _outcome(source: str, findings: LicenseFindings, guesses: _Guesses) -> Outcome:
    expression, ids, confidence = findings.expression, list(findings.ids), findings.confidence
    notes = list(findings.notes)
    method = Method.RECOGNIZER
    if guesses.by_text:
        method = Method.RECOGNIZER_AND_MODEL
    usable = sorted({s.id for s in guesses.by_text.values() if s.id is not None and s.supported})
    if expression is None and usable:
        method = Method.MODEL
        expression, ids = " AND ".join(usable), usable
        confidence = min(s.confidence for s in guesses.by_text.values() if s.id is not None and s.supported)
        notes.append("no text was recognised; the expression is a language model's reading of what the texts name")
    still_open = [text.name for text in findings.texts if text.verdict is Verdict.OPEN]
    if still_open:
        notes.append(f"agrees with no SPDX text and may hold further terms: {', '.join(still_open)}")
    if guesses.trouble:
        notes.append(guesses.trouble)
    return Outcome(
        result={
            "expression": expression,
            "ids": list[JsonValue](ids),
            "confidence": round(confidence, 4),
            "method": method.value,
            "texts": [_text_result(text, guesses.by_text.get(text.name)) for text in findings.texts],
            "notes": list[JsonValue](notes),
        },
        confidence=round(confidence, 4),
        evidence=tuple(_evidence(source, findings.texts, guesses.by_text)),
        method=method,
        model=next((s.model for s in guesses.by_text.values()), None),
        complete=guesses.trouble is None,
    )


def _text_result(text: TextFinding, guess: Suggestion | None) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {
        "name": text.name,
        "verdict": text.verdict.value,
        "ids": list[JsonValue](sorted({passage.id for passage in text.passages})),
        "confidence": round(min((passage.similarity for passage in text.passages), default=0.0), 4),
    }
    if guess is not None:
        found["suggestion"] = {"id": guess.id, "confidence": guess.confidence, "quote": guess.quote}
    return found


def _evidence(
    source: str, texts: Sequence[TextFinding], guesses: Mapping[str, Suggestion]
) -> list[Mapping[str, JsonValue]]:
    evidence: list[Mapping[str, JsonValue]] = []
    for text in texts:
        evidence.extend(_passage_evidence(source, text.name, passage, "passage") for passage in text.passages)
        if text.verdict is Verdict.OPEN:
            evidence.extend(_passage_evidence(source, text.name, c, "candidate") for c in text.candidates[:2])
        if (guess := guesses.get(text.name)) is not None:
            evidence.append(
                {
                    "kind": "model",
                    "text": text.name,
                    "id": guess.id,
                    "confidence": guess.confidence,
                    "supported_by_text": guess.supported,
                    "quote": guess.quote,
                    "model": guess.model,
                }
            )
    return evidence


def _passage_evidence(source: str, name: str, passage: Passage, kind: str) -> dict[str, JsonValue]:
    rival: JsonValue = None
    if passage.runner_up is not None:
        rival = {"id": passage.runner_up[0], "similarity": round(passage.runner_up[1], 4)}
    return {
        "kind": kind,
        "text": name,
        "id": passage.id,
        "reference": f"SPDX {passage.kind.value} text of {passage.id} ({source})",
        "similarity": round(passage.similarity, 4),
        "coverage": round(passage.coverage, 4),
        "first_line": passage.first_line,
        "last_line": passage.last_line,
        "same_text": list[JsonValue](passage.same_text),
        "runner_up": rival,
        "missing": list[JsonValue](passage.missing),
        "added": list[JsonValue](passage.added),
    }
