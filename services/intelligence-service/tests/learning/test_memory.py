import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from pydantic import JsonValue

from intelligence_service.domain.errors import InputInvalidError, LearningOffError
from intelligence_service.domain.learning import Question, Recollection
from intelligence_service.domain.personas import Persona
from intelligence_service.learning import (
    LearnedMemory,
    Lesson,
    MemoryLimits,
    Partition,
    Position,
    SqlExampleStore,
    Teacher,
)
from intelligence_service.learning.memory import PersonaState, spoken
from intelligence_service.testing import FakeClock, FixedPersonas, WordEncoder
from maestro_core_db import Database

ACME = Partition("acme", "mood")
WEATHER = [
    f"the {word} is awful {place}"
    for word in ("rain", "wind", "snow", "storm")
    for place in ("here", "today", "now", "again")
]
PARTY = [
    f"a lovely {word} with {who}"
    for word in ("party", "cake", "dance", "song")
    for who in ("friends", "mum", "everyone", "you")
]


class School:
    """A memory and its teacher on a database."""

    def __init__(
        self, db: Database, persona: Persona, clock: FakeClock, *, enabled: bool = True, most: int = 1000
    ) -> None:
        self.encoder = WordEncoder()
        self.forgotten: list[tuple[str, str]] = []
        self.clock = clock
        self.store = store = SqlExampleStore(db)
        limits = MemoryLimits(pause=timedelta(0), precision=0.9, refresh=timedelta(seconds=1))
        self.memory = LearnedMemory(store, encoder=self.encoder, limits=limits, clock=clock)
        self.teacher = Teacher(
            store,
            self.memory,
            personas=FixedPersonas(persona),
            encoder=self.encoder,
            enabled=enabled,
            most=most,
            most_personas=5,
            forget_answers=lambda tenant, name: self.forgotten.append((tenant, name)),
        )

    async def teach(self, questions: list[str], mood: str, partition: Partition = ACME) -> list[str]:
        lessons = [Lesson(question, {"mood": mood}) for question in questions]
        return [each.id for each in await self.teacher.teach(partition, lessons, taught_by="ada")]

    async def ask(self, text: str, partition: Partition = ACME) -> Recollection | None:
        vector = (await self.encoder.encode([text]))[0]
        return await self.memory.recall(partition.tenant, partition.persona, Question(text, vector))

    async def answer(self, text: str, partition: Partition = ACME) -> tuple[JsonValue, bool]:
        known = await self.ask(text, partition)
        assert known is not None
        return known.result, known.is_sure


@pytest.fixture
def school(migrated: Database, mood_persona: Persona, clock: FakeClock) -> School:
    return School(migrated, mood_persona, clock)


async def test_nothing_is_known_before_something_is_taught(school: School) -> None:
    """A persona that nobody taught has nothing to say."""
    assert await school.ask("rain") is None


async def test_the_first_lesson_counts_at_once_for_the_same_words_only(school: School) -> None:
    """What was taught word for word is answered; anything else goes to the model, with the nearest example."""
    await school.teach(["rain again"], "sad")
    assert await school.answer("rain again") == ({"mood": "sad"}, True)
    known = await school.ask("rain once more")
    assert known is not None
    assert (known.is_sure, known.nearest[0].question) == (False, "rain again")
    assert school.forgotten == [("acme", "mood")]


async def test_with_enough_examples_unseen_questions_are_answered(school: School) -> None:
    """The head answers new questions of both kinds with measured confidence, and is unsure about others."""
    await school.teach(WEATHER, "sad")
    await school.teach(PARTY, "happy")
    state = await school.memory.fitted(ACME)
    assert (state.examples, state.labels, state.is_fitted) == (32, 2, True)
    assert state.calibration.accuracy > 0.9
    assert await school.answer("the storm is awful here today") == ({"mood": "sad"}, True)
    assert await school.answer("a lovely cake with mum and friends") == ({"mood": "happy"}, True)
    _, sure = await school.answer("compile the kernel module")
    assert not sure


async def test_lessons_that_come_one_by_one_are_fitted_too(school: School, clock: FakeClock) -> None:
    """A fitting that found too few examples does not keep later ones from being tried, though nobody waits for them."""

    async def until(done: Callable[[PersonaState], bool]) -> PersonaState:
        async with asyncio.timeout(60):
            while not done(state := await school.memory.state(ACME)):
                clock.now += 1
                await asyncio.sleep(0.01)
        return state

    lessons = [*zip(WEATHER, ["sad"] * 16, strict=True), *zip(PARTY, ["happy"] * 16, strict=True)]
    await school.teach([lessons[0][0]], lessons[0][1])
    assert not (await until(lambda state: state.unfitted == 0)).is_fitted
    for question, mood in lessons[1:]:
        await school.teach([question], mood)
    state = await until(lambda state: state.is_fitted and state.unfitted == 0)
    assert (state.examples, state.labels) == (32, 2)
    assert state.calibration.accuracy > 0.9


async def test_a_correction_changes_the_answer_at_once(school: School) -> None:
    """Teaching the same question otherwise, or correcting the example, is effective for the next question, near ones too."""
    await school.teach(WEATHER, "sad")
    ids = await school.teach(PARTY, "happy")
    await school.memory.fitted(ACME)
    await school.teach(["a lovely dance with wolves"], "sad")
    assert (await school.answer("a lovely dance with wolves"))[0] == {"mood": "sad"}
    assert (await school.answer("a lovely dance with the wolves"))[0] == {"mood": "sad"}
    await school.teacher.correct(ACME, ids[0], {"mood": "sad"}, version=1, taught_by="ada")
    assert (await school.answer(PARTY[0]))[0] == {"mood": "sad"}


async def test_what_is_forgotten_is_not_answered_or_shown(school: School) -> None:
    """Its words are gone at once; an answer that nobody teaches any more is never given, even before the next fitting."""
    await school.teach(WEATHER, "sad")
    ids = await school.teach(PARTY, "happy")
    await school.memory.fitted(ACME)
    await school.teacher.forget(ACME, example_id=ids[0])
    known = await school.ask(PARTY[0])
    assert known is not None
    assert PARTY[0] not in [shown.question for shown in known.nearest]
    await school.teacher.forget(ACME, label='{"mood":"happy"}')
    assert (await school.answer(PARTY[1]))[0] == {"mood": "sad"}
    await school.teacher.forget(ACME)
    assert await school.ask(PARTY[1]) is None


async def test_a_change_is_seen_though_an_older_state_was_being_read(school: School) -> None:
    """A reading that began before the change does not pass for one of after it."""
    await school.teach(WEATHER, "sad")
    assert await school.ask("rain") is not None
    begun, go_on = asyncio.Event(), asyncio.Event()
    position = school.store.position

    async def slowly(partition: Partition) -> Position:
        school.store.position = position  # type: ignore[method-assign]
        found = await position(partition)
        begun.set()
        await go_on.wait()
        return found

    school.store.position = slowly  # type: ignore[method-assign]
    school.clock.now += 1
    reading = asyncio.create_task(school.ask("rain"))
    await begun.wait()
    teaching = asyncio.create_task(school.teach(["rain"], "happy"))
    while len(school.forgotten) < 2:
        await asyncio.sleep(0.01)
    go_on.set()
    await asyncio.gather(reading, teaching)
    assert await school.answer("rain") == ({"mood": "happy"}, True)


async def test_tenants_learn_apart(school: School) -> None:
    """What one tenant teaches has no influence on another's answers, whatever it is called."""
    evil = Partition("evil", "mood")
    await school.teach(WEATHER, "sad")
    assert await school.ask(WEATHER[0], evil) is None
    await school.teach(WEATHER, "happy", evil)
    assert await school.answer(WEATHER[0]) == ({"mood": "sad"}, True)
    assert await school.answer(WEATHER[0], evil) == ({"mood": "happy"}, True)
    assert await school.teacher.forget(evil) == len(WEATHER)
    assert await school.answer(WEATHER[0]) == ({"mood": "sad"}, True)


async def test_it_survives_a_restart_and_another_process_sees_changes(
    migrated: Database, mood_persona: Persona, clock: FakeClock, school: School
) -> None:
    """A second memory on the same database knows what was taught, and hears of additions, corrections and removals in time."""
    ids = await school.teach(WEATHER, "sad")
    other = School(migrated, mood_persona, clock)
    assert await other.answer(WEATHER[0]) == ({"mood": "sad"}, True)
    assert other.encoder.encoded == [WEATHER[0], *[name for name in other.encoder.encoded[1:] if name == "sad"]]
    await school.teach(["what a day"], "happy")
    await school.teacher.correct(ACME, ids[0], {"mood": "happy"}, version=None, taught_by="ada")
    await school.teacher.forget(ACME, example_id=ids[1])
    clock.now += 1
    assert await other.answer("what a day") == ({"mood": "happy"}, True)
    assert await other.answer(WEATHER[0]) == ({"mood": "happy"}, True)
    known = await other.ask(WEATHER[1])
    assert known is not None
    assert known.nearest[0].question != WEATHER[1]


async def test_what_another_encoder_made_is_made_anew(
    migrated: Database, mood_persona: Persona, clock: FakeClock, school: School
) -> None:
    """Vectors of another encoder are not compared: the questions are encoded again."""
    await school.teach(["rain"], "sad")
    other = School(migrated, mood_persona, clock)
    other.encoder.name = "newer"
    assert await other.answer("rain") == ({"mood": "sad"}, True)
    assert other.encoder.encoded.count("rain") == 2


async def test_what_does_not_obey_is_not_learnt(school: School) -> None:
    """Every fault is told with its place, and nothing is kept; a stated confidence is left out."""
    lessons = [Lesson("fine", {"mood": "sad"}), Lesson("x" * 2000, {"mood": "bored"})]
    with pytest.raises(InputInvalidError) as caught:
        await school.teacher.teach(ACME, lessons, taught_by="ada")
    assert {fault.path for fault in caught.value.faults} == {"examples.1.input", "examples.1.result.mood"}
    assert await school.ask("fine") is None
    await school.teacher.teach(ACME, [Lesson("sure", {"mood": "sad", "confidence": 0.4})], taught_by="ada")
    assert (await school.answer("sure"))[0] == {"mood": "sad"}


async def test_learning_can_be_switched_off(migrated: Database, mood_persona: Persona, clock: FakeClock) -> None:
    """`enable_learning: false` refuses lessons and says why."""
    with pytest.raises(LearningOffError, match="enable_learning"):
        await School(migrated, mood_persona, clock, enabled=False).teach(["rain"], "sad")


async def test_teaching_goes_on_while_a_head_is_fitted(school: School) -> None:
    """Lessons that come during fitting are in the next head; none waits for it."""
    await school.teach(WEATHER, "sad")
    await asyncio.gather(*(school.teach([question], "happy") for question in PARTY), school.memory.fitted(ACME))
    state = await school.memory.fitted(ACME)
    assert (state.examples, state.unfitted) == (32, 0)
    async with school.memory.at_work():
        pass


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ('"card_arrival"', "card arrival"),
        ('{"intent":"lost-or-stolen","n":1}', "lost or stolen"),
        ('{"a":{"b":["x.y","z"]}}', "x y z"),
        ("7", "7"),
    ],
)
def test_answers_speak(label: str, words: str) -> None:
    """The texts of an answer are its words; names of members are not."""
    assert spoken(label) == words
