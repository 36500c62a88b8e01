"""Ask the model about a text that no reference agrees with; check what it says."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from intelligence_service.domain.answers import AnswerSchema
from intelligence_service.domain.conversation import ask
from intelligence_service.domain.licenses import Passage
from intelligence_service.domain.model import Model, ModelRequest
from intelligence_service.domain.personas import Persona
from intelligence_service.domain.prompts import opening_messages

SUPPORTED_CONFIDENCE = 0.3
"""Most that a model's answer is worth when the text itself names the licence or resembles it."""
UNSUPPORTED_CONFIDENCE = 0.1
"""What it is worth when nothing but the model says so."""
_NONE = "NONE"
_COMMON = (
    "0BSD", "AGPL-3.0-only", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "GPL-2.0-only",
    "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "ISC", "LGPL-2.1-only", "LGPL-2.1-or-later",
    "LGPL-3.0-only", "MIT", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib",
)  # fmt: skip
_EXCERPT_CHARACTERS = 1000
_RESEMBLES = 0.75
_NEAR_WORDS = 8
_TELLING = re.compile(r"licen[sc]|permission|public domain|copyright", re.IGNORECASE)
_WORD = re.compile(r"[a-z0-9]+")
_UNSAID = frozenset({"only", "or", "later", "0"})
_MAX_TOKENS = 40
_QUOTE_CHARACTERS = 160


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What the model says about a text."""

    id: str | None
    """An id of the SPDX list; None when the model found no licence."""
    confidence: float
    """At most `SUPPORTED_CONFIDENCE`: a model guesses, it does not recognise."""
    supported: bool
    """Whether the text names the licence or resembles it."""
    quote: str | None
    """Where the text names it; None when it does not."""
    model: str


async def suggest(
    model: Model, persona: Persona, text: str, candidates: Sequence[Passage], known_ids: Collection[str]
) -> Suggestion:
    """Ask the model which licence a text names.

    Args:
        model: Who is asked. It can only choose among ids of the SPDX list, or say that there is none.
        persona: Its system prompt opens the conversation.
        text: The text.
        candidates: References that the text resembles.
        known_ids: All ids of the SPDX list.

    Returns:
        What it says, with a confidence that a guess deserves.

    Raises:
        IntelligenceError: See `conversation.ask`.
    """
    choice: list[str] = [*_plausible(text, candidates, known_ids), _NONE]
    schema: dict[str, JsonValue] = {
        "type": "object",
        "properties": {"id": {"type": "string", "enum": list[JsonValue](choice)}},
        "required": ["id"],
        "additionalProperties": False,
    }
    plain = persona.model_copy(update={"user_template": None})
    question = f"Which licence does this text name? Answer {_NONE} when it names none.\n\n{_excerpt(text)}"
    request = ModelRequest(opening_messages(plain, question, None), "license", schema, 0.0, _MAX_TOKENS)
    answer = await ask(model, request, AnswerSchema(schema))
    assert isinstance(answer.value, dict)
    chosen = str(answer.value["id"])
    if chosen == _NONE:
        return Suggestion(None, UNSUPPORTED_CONFIDENCE, supported=False, quote=None, model=answer.model)
    quote = naming_line(text, chosen)
    supported = quote is not None or _resembles(candidates, chosen)
    confidence = SUPPORTED_CONFIDENCE if supported else UNSUPPORTED_CONFIDENCE
    return Suggestion(chosen, confidence, supported=supported, quote=quote, model=answer.model)


def _plausible(text: str, candidates: Sequence[Passage], known_ids: Collection[str]) -> list[str]:
    """List what the model may answer.

    Those that the text names or resembles. A small model picks at random among many; the long list is only for texts
    that paraphrase a name.
    """
    choice = {*(c.id for c in candidates), *_COMMON}.intersection(known_ids)
    likely = {name for name in choice if _resembles(candidates, name) or naming_line(text, name)}
    return sorted(likely or choice)


def _resembles(candidates: Sequence[Passage], license_id: str) -> bool:
    return any(c.id == license_id and c.similarity >= _RESEMBLES for c in candidates)


def naming_line(text: str, license_id: str) -> str | None:
    """Find where a text names a licence in words.

    Args:
        text: Any text.
        license_id: SPDX id; "BSD-2-Clause" is named by `2-clause BSD`.

    Returns:
        The line in which the naming begins, cut to 160 characters; None when the id's words, in any order, stand
        nowhere close together.
    """
    wanted = set(_WORD.findall(license_id.lower())) - _UNSAID
    words = [(word, line) for line in text.splitlines() for word in _WORD.findall(line.lower())]
    for at, (word, line) in enumerate(words):
        if word in wanted and wanted.issubset(near for near, _ in words[at : at + _NEAR_WORDS]):
            return line.strip()[:_QUOTE_CHARACTERS]
    return None


def _excerpt(text: str) -> str:
    """Keep the paragraphs that speak of licences, as far as they fit into a small model's context."""
    if len(text) > _EXCERPT_CHARACTERS:
        telling = [part.strip() for part in re.split(r"\n\s*\n", text) if _TELLING.search(part)]
        text = "\n\n".join(telling) or text
    return text[:_EXCERPT_CHARACTERS]
