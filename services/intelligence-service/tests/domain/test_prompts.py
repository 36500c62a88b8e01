import pytest

from intelligence_service.domain.errors import PersonaInvalidError
from intelligence_service.domain.personas import Persona
from intelligence_service.domain.prompts import opening_messages


def with_template(persona: Persona, template: str) -> Persona:
    return persona.model_copy(update={"user_template": template})


def test_without_a_template_input_and_context_are_shown(mood_persona: Persona) -> None:
    """Text is shown as it is, an object and the context as JSON."""
    system, question = opening_messages(mood_persona, "a fine day", {"place": "Köln"})
    assert system.content.startswith("You tell the mood of a text.")
    assert question.content.startswith("a fine day")
    assert '"place": "Köln"' in question.content
    _, question = opening_messages(mood_persona, {"a": 1}, None)
    assert question.content == '{\n "a": 1\n}'


def test_a_template_sees_input_context_and_schema(mood_persona: Persona) -> None:
    """The persona's template words the question; nothing is escaped as in HTML."""
    persona = with_template(mood_persona, "{{ input.text }} in {{ context.place }}: {{ output_schema.type }}")
    _, question = opening_messages(persona, {"text": "<b> & joy"}, {"place": "town"})
    assert question.content == "<b> & joy in town: object"


@pytest.mark.parametrize(
    "template",
    [
        "{{ unknown }}",
        "{{ input.missing.member }}",
        "{% if %}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ 1 // 0 }}",
        "{% for _ in range(10**9) %}x{% endfor %}",
    ],
)
def test_a_template_that_fails_or_reaches_out_is_the_personas_fault(mood_persona: Persona, template: str) -> None:
    """Unknown names, syntax errors and attempts to leave the sandbox are reported as the persona's fault."""
    with pytest.raises(PersonaInvalidError, match="user_template") as caught:
        opening_messages(with_template(mood_persona, template), {"text": "x"}, None)
    assert caught.value.code == "PERSONA_INVALID"
