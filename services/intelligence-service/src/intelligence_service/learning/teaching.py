"""Take lessons, list them, correct them, forget them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from intelligence_service.domain.answers import AnswerSchema
from intelligence_service.domain.errors import Fault, InputInvalidError, LearningOffError, PersonaInvalidError
from intelligence_service.domain.learning import Encoder, canonical, words_of
from intelligence_service.domain.personas import PersonaSource
from intelligence_service.learning.domain import Example, ExampleStore, NewExample, Partition, Position, Taught
from intelligence_service.learning.memory import LearnedMemory, PersonaState

_LONGEST_ANSWER = 10_000


@dataclass(frozen=True, slots=True)
class Lesson:
    """A question and the answer that is right."""

    analyzed: JsonValue
    """The input: text or a JSON object."""
    result: JsonValue
    """What the persona should have answered; a stated confidence in it is left out."""
    context: Mapping[str, JsonValue] | None = None
    """What else was told."""


class Teacher:
    """Keeps what tenants teach.

    Args:
        store: Keeps examples.
        memory: Answers from them.
        personas: Where personas come from; what is taught obeys their schema.
        encoder: Encodes questions.
        enabled: Whether anything may be taught.
        most: Most examples of one persona and tenant.
        most_personas: Most personas that one tenant may teach.
        forget_answers: Drops remembered answers of a tenant and persona.
    """

    def __init__(
        self,
        store: ExampleStore,
        memory: LearnedMemory,
        *,
        personas: PersonaSource,
        encoder: Encoder,
        enabled: bool,
        most: int,
        most_personas: int,
        forget_answers: Callable[[str, str], object],
    ) -> None:
        self.store = store
        self.memory = memory
        self._personas = personas
        self._encoder = encoder
        self._enabled = enabled
        self._most = most
        self._most_personas = most_personas
        self._forget_answers = forget_answers

    async def teach(self, partition: Partition, lessons: Sequence[Lesson], *, taught_by: str) -> list[Taught]:
        """Keep lessons; all of them, or none. They count from the next question on.

        Args:
            partition: Where.
            lessons: The lessons.
            taught_by: Who says so.

        Returns:
            What became of each.

        Raises:
            LearningOffError: Nothing is learnt here.
            InputInvalidError: A question is too long, or an answer does not obey the persona's schema.
            LearningFullError: There is no room.
            IntelligenceError: The persona cannot be had.
        """
        if not self._enabled:
            raise LearningOffError("enable_learning is false: nothing is learnt here")
        schema = await self._schema(partition.persona)
        words, labels, faults = [], [], []
        for place, lesson in enumerate(lessons):
            question = words_of(lesson.analyzed, lesson.context)
            label, wrong = _label(schema, lesson.result)
            at = f"examples.{place}." if len(lessons) > 1 else ""
            if not self._encoder.takes(question):
                faults.append(Fault(f"{at}input", "is empty, or too long to be learnt (encoder_max_characters)"))
            faults += [Fault(f"{at}result.{fault.path}".rstrip("."), fault.message) for fault in wrong]
            words.append(question)
            labels.append(label)
        if faults:
            raise InputInvalidError(faults[:20])
        vectors = await self._encoder.encode(words)
        examples = [
            NewExample(question, label, vector, self._encoder.name, taught_by)
            for question, label, vector in zip(words, labels, vectors, strict=True)
        ]
        taught = await self.store.teach(partition, examples, most=self._most, most_personas=self._most_personas)
        await self._effective(partition)
        return taught

    async def correct(
        self, partition: Partition, example_id: str, result: JsonValue, *, version: int | None, taught_by: str
    ) -> Example:
        """Give an example another answer.

        Args:
            partition: Where.
            example_id: Which.
            result: The answer.
            version: The version that the caller has seen; None does not mind.
            taught_by: Who says so.

        Returns:
            The example as it is now.

        Raises:
            InputInvalidError: The answer does not obey the persona's schema.
            ExampleNotFoundError: It is not this tenant's.
            ExampleChangedError: It was changed since.
        """
        label, faults = _label(await self._schema(partition.persona), result)
        if faults:
            raise InputInvalidError([Fault(f"result.{fault.path}".rstrip("."), fault.message) for fault in faults])
        example = await self.store.correct(partition, example_id, label, version=version, taught_by=taught_by)
        await self._effective(partition)
        return example

    async def forget(self, partition: Partition, *, example_id: str | None = None, label: str | None = None) -> int:
        """Remove examples.

        Args:
            partition: Where.
            example_id: Only this one.
            label: Only those with this answer, as canonical JSON: `null` is an answer too.

        Returns:
            How many were removed.
        """
        gone = await self.store.forget(partition, example_id=example_id, label=label)
        if gone:
            await self._effective(partition)
        return gone

    async def states(self, tenant: str) -> dict[str, Position]:
        """List the personas that a tenant has taught.

        Args:
            tenant: The tenant.
        """
        return await self.store.personas(tenant)

    async def state(self, partition: Partition) -> PersonaState:
        """Tell what was learnt for one persona.

        Args:
            partition: Where.
        """
        return await self.memory.state(partition)

    async def _effective(self, partition: Partition) -> None:
        self._forget_answers(partition.tenant, partition.persona)
        await self.memory.changed(partition)

    async def _schema(self, name: str) -> AnswerSchema:
        persona = await self._personas.get(name)
        if persona.recognizer is not None:
            raise InputInvalidError(
                [Fault("persona", f"{name} recognises by comparing ({persona.recognizer}); it does not learn")]
            )
        try:
            return AnswerSchema(persona.output_schema)
        except ValueError as error:
            raise PersonaInvalidError(persona.name, [Fault("output_schema", str(error))]) from error


def _label(schema: AnswerSchema, result: JsonValue) -> tuple[str, list[Fault]]:
    """Write an answer as what is learnt, without a confidence that somebody stated, where the schema can do without it."""
    told = result
    if isinstance(result, dict) and "confidence" in result:
        told = {name: value for name, value in result.items() if name != "confidence"}
        if schema.faults(told):
            told = result
    label = canonical(told)
    faults = schema.faults(told)
    if len(label) > _LONGEST_ANSWER:
        faults.append(Fault("", f"has more than {_LONGEST_ANSWER} characters as JSON"))
    return label, faults
