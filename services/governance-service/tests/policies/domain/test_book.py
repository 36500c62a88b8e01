from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from governance_service.policies.domain import (
    Decision,
    Entity,
    InvalidPolicyError,
    Outcome,
    PolicyBook,
    PolicyChangedError,
    PolicyNotFoundError,
    PolicySource,
    PolicyTestsFailedError,
    PolicyVersion,
    Question,
)

SCHEMA = "entity User; entity Door = { open: Bool }; action enter appliesTo { principal: [User], resource: Door };"
ANYBODY = '@id("anybody") @text("{principal} may.") permit (principal, action, resource);'
OPEN = '@id("open") @text("It is open.") permit (principal, action, resource) when { resource.open };'


def case_of(door_open: bool, expect: str, **more: object) -> dict[str, object]:
    principal, resource = {"type": "User", "id": "ada"}, {"type": "Door", "id": "d", "attributes": {"open": door_open}}
    return {"name": f"a door {door_open}", "principal": principal, "action": "enter", "resource": resource, "expect": expect, **more}  # fmt: skip


SOURCE = PolicySource(ANYBODY, SCHEMA, (case_of(True, "allow"),))


class MemoryPolicies:
    """A `PolicyStore` in memory."""

    def __init__(self) -> None:
        self.kept: list[PolicyVersion] = []
        self.logged: list[Decision] = []

    async def latest(self) -> Sequence[PolicyVersion]:
        return list({version.name: version for version in self.kept}.values())

    async def current(self, name: str) -> PolicyVersion | None:
        return next((version for version in reversed(self.kept) if version.name == name), None)

    async def version(self, name: str, version: int) -> PolicyVersion | None:
        return next((one for one in self.kept if (one.name, one.version) == (name, version)), None)

    async def versions(self, name: str) -> Sequence[PolicyVersion]:
        return [version for version in self.kept if version.name == name]

    async def add(self, version: PolicyVersion) -> None:
        if await self.version(version.name, version.version) is not None:
            raise PolicyChangedError(version.name)
        self.kept.append(version)

    async def log(self, decision: Decision) -> None:
        self.logged.append(decision)

    async def decision(self, decision_id: str, tenant: str | None, *, all_tenants: bool = False) -> Decision | None:
        raise NotImplementedError

    async def decisions(
        self, *, policy: str | None, tenant: str | None, all_tenants: bool, before: int | None, limit: int
    ) -> Sequence[tuple[int, Decision]]:
        found = [(at, one) for at, one in enumerate(self.logged) if policy in {None, one.policy}]
        return list(reversed(found))[:limit]


@pytest.fixture
def store() -> MemoryPolicies:
    return MemoryPolicies()


@pytest.fixture
def book(store: MemoryPolicies) -> PolicyBook:
    return PolicyBook(store, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC), compared=3)


def door(is_open: object) -> Question:
    return Question(Entity("User", "ada"), "enter", Entity("Door", "d", {"open": is_open}))


async def test_versions_count_up_and_the_same_again_is_none(book: PolicyBook) -> None:
    """New content is a new version, the same content is not; older ones stay and can come back."""
    first, created = await book.apply("doors", SOURCE, "ada")
    assert (first.version, created) == (1, True)
    assert await book.apply("doors", SOURCE, "bo") == (first, False)
    second, _ = await book.apply("doors", replace(SOURCE, description="for doors"), "bo")
    back, _ = await book.apply("doors", SOURCE, "bo")
    assert (second.version, back.version, back.source) == (2, 3, SOURCE)
    assert (await book.find("doors", 1)).created_by == "ada"


async def test_a_version_whose_tests_fail_is_refused(book: PolicyBook, store: MemoryPolicies) -> None:
    """A wrong outcome, another rule than expected and a question that fits no schema are named, and nothing is kept."""
    tests = (
        case_of(False, "deny"),
        {**case_of(True, "allow", rules=["open"]), "name": "rule"},
        {**case_of(True, "allow"), "name": "odd", "action": "leave"},
    )
    with pytest.raises(PolicyTestsFailedError) as caught:
        await book.apply("doors", PolicySource(ANYBODY + OPEN, SCHEMA, tests), "ada")
    assert [fault.path for fault in caught.value.faults] == ["a door False", "rule", "odd"]
    assert "expected deny, got allow (anybody: ada may.)" in str(caught.value)
    assert store.kept == []


@pytest.mark.parametrize(
    ("test", "path"),
    [
        ({"name": "t"}, "tests[0].expect"),
        ({**case_of(True, "maybe")}, "tests[0].expect"),
        ({**case_of(True, "allow"), "extra": 1}, "tests[0].extra"),
        ({**case_of(True, "allow"), "principal": "ada"}, "tests[0].principal"),
        ({**case_of(True, "allow"), "rules": "open"}, "tests[0].rules"),
        ({**case_of(True, "allow"), "rules": ["opne"]}, "a door True"),
        ({**case_of(True, "allow"), "resource": {"type": "Door", "id": "d", "attrs": {}}}, "tests[0].resource.attrs"),
        ("no test", "tests[0]"),
    ],
)  # fmt: skip
async def test_a_test_that_is_none_is_named(book: PolicyBook, test: object, path: str) -> None:
    """A misspelt test is a fault of the policy, with its place, instead of a test that tests nothing."""
    with pytest.raises(InvalidPolicyError) as caught:
        await book.apply("doors", PolicySource(ANYBODY, SCHEMA, (test,)), "ada")
    assert [fault.path for fault in caught.value.faults] == [path]


@pytest.mark.parametrize("name", ["", "Doors", "-a", "a/b", "x" * 65])
async def test_a_name_is_plain(book: PolicyBook, name: str) -> None:
    """A name that would not fit into an address is refused."""
    with pytest.raises(InvalidPolicyError):
        await book.apply(name, SOURCE, "ada")


async def test_who_has_seen_an_older_version_is_refused(book: PolicyBook) -> None:
    """A version that was made without having seen the latest one does not replace it."""
    await book.apply("doors", SOURCE, "ada", seen=0)
    with pytest.raises(PolicyChangedError):
        await book.apply("doors", replace(SOURCE, description="mine"), "bo", seen=0)
    assert (await book.apply("doors", replace(SOURCE, description="mine"), "bo", seen=1))[0].version == 2


async def test_a_file_does_not_undo_what_somebody_applied(book: PolicyBook) -> None:
    """The same file again changes nothing, whatever was applied since; a changed file does."""
    assert await book.take_file("doors", SOURCE, "doors.cedar")
    assert not await book.take_file("doors", SOURCE, "doors.cedar")
    await book.apply("doors", replace(SOURCE, description="by hand"), "ada")
    assert not await book.take_file("doors", SOURCE, "doors.cedar")
    assert (await book.find("doors")).source.description == "by hand"
    assert await book.take_file("doors", replace(SOURCE, description="new file"), "doors.cedar")
    assert (await book.find("doors")).created_by == "file:doors.cedar"


async def test_a_decision_is_that_of_the_version_in_force(book: PolicyBook, store: MemoryPolicies) -> None:
    """A new version decides from the next question on; decisions are kept unless they are dry runs."""
    await book.apply("doors", SOURCE, "ada")
    first = await book.decide("doors", door(False), asked_by="s", tenant="acme", trace_id="t")
    await book.apply("doors", PolicySource(OPEN, SCHEMA), "ada")
    second = await book.decide("doors", door(False), asked_by="s", keep=False)
    assert [(one.version, one.outcome) for one in (first, second)] == [(1, Outcome.ALLOW), (2, Outcome.DENY)]
    assert store.logged == [first]
    with pytest.raises(PolicyNotFoundError, match="there are: doors"):
        await book.decide("windows", door(True), asked_by="s")
    with pytest.raises(PolicyNotFoundError, match="there are: 1, 2"):
        await book.find("doors", 3)


async def test_a_dry_run_says_what_would_change(book: PolicyBook) -> None:
    """A new version is asked what was asked lately: as many as are looked at, those that differ, those that do not fit."""
    await book.apply("doors", SOURCE, "ada")
    for is_open in (False, True, False, True):
        await book.decide("doors", door(is_open), asked_by="s")
    run = await book.dry_run(book.check("doors", PolicySource(OPEN, SCHEMA)).policy)
    assert run.compared == 3
    assert [(change.outcome, change.reasons[0].rule) for change in run.changes] == [(Outcome.DENY, "default-deny")]
    other = PolicySource(ANYBODY, SCHEMA.replace("open", "shut"))
    run = await book.dry_run(book.check("doors", other).policy)
    assert [change.outcome for change in run.changes] == [None, None, None]
