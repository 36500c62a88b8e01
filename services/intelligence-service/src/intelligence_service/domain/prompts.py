"""Write the messages that a persona sends to the model."""

import json
from collections.abc import Mapping, Sequence

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import JsonValue

from intelligence_service.domain.errors import Fault, PersonaInvalidError
from intelligence_service.domain.learning import Shown, canonical
from intelligence_service.domain.model import Message
from intelligence_service.domain.personas import Persona


def opening_messages(
    persona: Persona,
    analyzed: JsonValue,
    context: Mapping[str, JsonValue] | None,
    examples: Sequence[Shown] = (),
) -> tuple[Message, ...]:
    """Write the conversation's beginning.

    Args:
        persona: Who is asked.
        analyzed: The input.
        context: What else the caller told; None when nothing.
        examples: Answered questions to show, the most similar first.

    Returns:
        The system message, the examples as questions and answers, the most similar one last, and the question.

    Raises:
        PersonaInvalidError: The persona's template cannot be rendered.
    """
    system = f"{persona.system_prompt}\n\nAnswer with one JSON value that obeys the given schema, and nothing else."
    question = _plain(analyzed, context)
    if persona.user_template is not None:
        question = _rendered(persona, persona.user_template, analyzed, context)
    shown: list[Message] = []
    for example in reversed(examples):
        shown += (Message("user", example.question), Message("assistant", canonical(example.result)))
    return (Message("system", system), *shown, Message("user", question))


def _plain(analyzed: JsonValue, context: Mapping[str, JsonValue] | None) -> str:
    shown = analyzed if isinstance(analyzed, str) else json.dumps(analyzed, indent=1, ensure_ascii=False)
    if not context:
        return shown
    return f"{shown}\n\nContext:\n{json.dumps(dict(context), indent=1, ensure_ascii=False)}"


def _rendered(persona: Persona, template: str, analyzed: JsonValue, context: Mapping[str, JsonValue] | None) -> str:
    # A persona is configuration that others write: its template reaches the given values and nothing else. Prompts are
    # no HTML, so nothing is escaped.
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    try:
        return environment.from_string(template).render(
            input=analyzed, context=dict(context or {}), output_schema=persona.output_schema
        )
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise PersonaInvalidError(persona.name, [Fault("user_template", str(error))]) from error
