import asyncio

import numpy as np
import pytest

from intelligence_service.domain.errors import ExampleChangedError, ExampleNotFoundError, LearningFullError
from intelligence_service.learning import NewExample, Partition, SqlExampleStore, Taught
from maestro_core_db import Database

ACME = Partition("acme", "mood")
EVIL = Partition("evil", "mood")


def example(question: str, label: str = '"happy"') -> NewExample:
    return NewExample(question, label, np.arange(4, dtype=np.float32), "words", "ada")


async def teach(store: SqlExampleStore, partition: Partition, *examples: NewExample, most: int = 100) -> list[Taught]:
    return await store.teach(partition, examples, most=most, most_personas=2)


async def test_examples_are_kept_and_read_back_as_they_were(migrated: Database) -> None:
    """Question, answer, vector and who taught it come back; the state counts."""
    store = SqlExampleStore(migrated)
    (taught,) = await teach(store, ACME, example("rain 'again' \u2603", '{"mood":"sad"}'))
    kept = await store.get(ACME, taught.id)
    assert (kept.question, kept.label, kept.taught_by, kept.version) == (
        "rain 'again' \u2603",
        '{"mood":"sad"}',
        "ada",
        1,
    )
    assert kept.vector.tolist() == [0, 1, 2, 3]
    assert (await store.position(ACME)).examples == 1
    assert await store.labels(ACME) == {'{"mood":"sad"}': 1}


async def test_a_known_question_gets_the_new_answer(migrated: Database) -> None:
    """It stays one example, with a new version; the state says that something was taken away."""
    store = SqlExampleStore(migrated)
    (first,) = await teach(store, ACME, example("rain", '"happy"'))
    (second,) = await teach(store, ACME, example("rain", '"sad"'))
    assert (second.id, first.is_new, second.is_new, second.version) == (first.id, True, False, 2)
    position = await store.position(ACME)
    assert (position.examples, position.removals, position.revision) == (1, 1, 2)


async def test_all_of_a_lesson_is_kept_or_none(migrated: Database) -> None:
    """Beyond the bound nothing is kept; the error says what to do."""
    store = SqlExampleStore(migrated)
    await teach(store, ACME, example("a"), most=2)
    with pytest.raises(LearningFullError, match=r"holds 1 of at most 2.*forget some"):
        await teach(store, ACME, example("b"), example("c"), most=2)
    assert [
        each.question for each in (await store.page(ACME, label=None, text=None, limit=9, cursor=None)).examples
    ] == ["a"]
    await teach(store, Partition("acme", "other"), example("a"))
    with pytest.raises(LearningFullError, match="2 personas"):
        await teach(store, Partition("acme", "third"), example("a"))


async def test_nothing_reaches_across_tenants(migrated: Database) -> None:
    """Another tenant's id, persona name or listing finds nothing, changes nothing and removes nothing."""
    store = SqlExampleStore(migrated)
    (taught,) = await teach(store, ACME, example("secret"))
    with pytest.raises(ExampleNotFoundError):
        await store.get(EVIL, taught.id)
    with pytest.raises(ExampleNotFoundError):
        await store.correct(EVIL, taught.id, '"sad"', version=None, taught_by="eve")
    assert await store.forget(EVIL, example_id=taught.id) == 0
    assert await store.forget(EVIL) == 0
    assert (await store.changes(EVIL, 0))[1] == []
    assert await store.personas("evil") in ({}, {"mood": await store.position(EVIL)})
    assert (await store.get(ACME, taught.id)).label == '"happy"'


async def test_a_correction_wants_the_version_that_was_seen(migrated: Database) -> None:
    """Of two that correct the same version, the second is told."""
    store = SqlExampleStore(migrated)
    (taught,) = await teach(store, ACME, example("rain"))
    changed = await store.correct(ACME, taught.id, '"sad"', version=1, taught_by="bob")
    assert (changed.label, changed.version, changed.taught_by) == ('"sad"', 2, "bob")
    with pytest.raises(ExampleChangedError, match="version 2, not 1"):
        await store.correct(ACME, taught.id, '"happy"', version=1, taught_by="eve")


async def test_listing_pages_newest_first_and_filters(migrated: Database) -> None:
    """Every example is on exactly one page; text and answer narrow it; signs of the pattern language are only signs."""
    store = SqlExampleStore(migrated)
    for number in range(7):
        await teach(store, ACME, example(f"question {number}%", '"sad"' if number % 2 else '"happy"'))
    seen: list[str] = []
    cursor = None
    while True:
        page = await store.page(ACME, label=None, text=None, limit=3, cursor=cursor)
        seen += [each.question for each in page.examples]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == [f"question {number}%" for number in reversed(range(7))]
    assert len((await store.page(ACME, label='"sad"', text=None, limit=9, cursor=None)).examples) == 3
    assert len((await store.page(ACME, label=None, text="QUESTION 3%", limit=9, cursor=None)).examples) == 1
    assert (await store.page(ACME, label=None, text="_uestion", limit=9, cursor=None)).examples == ()


async def test_forgetting_leaves_nothing_of_them(migrated: Database) -> None:
    """One, those of an answer, or all; the count and the change are told."""
    store = SqlExampleStore(migrated)
    taught = await teach(store, ACME, example("a"), example("b", '"sad"'), example("c", '"sad"'))
    assert await store.forget(ACME, example_id=taught[0].id) == 1
    assert await store.forget(ACME, example_id=taught[0].id) == 0
    assert await store.forget(ACME, label='"sad"') == 2
    position = await store.position(ACME)
    assert (position.examples, position.removals) == (0, 2)


async def test_what_was_forgotten_makes_room_again(migrated: Database) -> None:
    """A persona whose examples are all forgotten is listed no more and leaves its place to another, whose it then is."""
    store = SqlExampleStore(migrated)
    await teach(store, ACME, example("a"))
    await teach(store, Partition("acme", "other"), example("a"))
    assert await store.forget(ACME) == 1
    assert list(await store.personas("acme")) == ["other"]
    await teach(store, Partition("acme", "third"), example("a"))
    with pytest.raises(LearningFullError, match="2 personas"):
        await teach(store, ACME, example("b"))
    await teach(store, Partition("acme", "third"), example("b"))
    assert await store.forget(Partition("acme", "other")) == 1
    await teach(store, ACME, example("b"))
    position = await store.position(ACME)
    assert (position.examples, position.revision) == (1, 3)


async def test_many_teach_at_once_and_none_is_lost(migrated: Database) -> None:
    """Twenty lessons at the same time are twenty examples, and every revision names its change."""
    store = SqlExampleStore(migrated)
    await asyncio.gather(*(teach(store, ACME, example(f"q{number}")) for number in range(20)))
    position, changes = await store.changes(ACME, 0)
    assert (position.examples, position.revision, len(changes)) == (20, 20, 20)
    _, later = await store.changes(ACME, 15)
    assert len(later) == 5
