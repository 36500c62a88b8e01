import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from central_registry.catalog.domain import (
    Catalog,
    CatalogFullError,
    CatalogLimits,
    Dependency,
    DocumentKind,
    Draft,
    EntryNotFoundError,
    InvalidEntryError,
    Link,
    Observation,
    Outcome,
)
from central_registry.catalog.storage import SqliteCatalogStore
from central_registry.database import RegistryDatabase
from central_registry.testing import FakeClock

DRAFT = Draft(
    version="1.2.0",
    owner="team-shop",
    description="Takes orders.",
    docs=(Link("Runbook", "https://docs.example/orders"),),
    dependencies=(Dependency("billing", reason="charges"), Dependency("mailer", optional=True)),
    openapi={"openapi": "3.1.0", "info": {"title": "Orders", "version": "1.2.0"}, "paths": {}},
    asyncapi={"asyncapi": "3.0.0", "info": {"title": "Orders", "version": "1.2.0"}},
)
LIMITS = CatalogLimits(max_services=3, max_revisions=3, max_document_bytes=2_000, max_pairs=3)


class Running:
    """What runs, as far as the catalog asks."""

    def __init__(self) -> None:
        self.versions: dict[str, set[str]] = {}

    def of(self, service: str) -> set[str]:
        return self.versions.get(service, set())


@pytest.fixture
def live() -> Running:
    return Running()


@asynccontextmanager
async def opened(folder: Path, clock: FakeClock, live: Running, **options: Any) -> AsyncIterator[Catalog]:
    async with RegistryDatabase.opened(folder / "registry.db") as database:
        catalog = Catalog(
            SqliteCatalogStore(database),
            clock=clock,
            live_versions=live.of,
            **{"live_services": lambda: live.versions, "limits": LIMITS, "implicit": ["central-registry"], **options},
        )
        await catalog.restore()
        yield catalog


@pytest.fixture
async def catalog(tmp_path: Path, clock: FakeClock, live: Running) -> AsyncIterator[Catalog]:
    async with opened(tmp_path, clock, live) as catalog:
        yield catalog


def seen(
    clock: FakeClock, caller: str, callee: str, calls: int = 1, *, days_ago: float = 0, errors: int = 0
) -> Observation:
    at = clock() - timedelta(days=days_ago)
    return Observation(caller, callee, calls, errors, at, at)


async def test_an_entry_survives_a_restart_whole(tmp_path: Path, clock: FakeClock, live: Running) -> None:
    """What a service said is known after reopening the file, documents included."""
    async with opened(tmp_path, clock, live) as catalog:
        put = await catalog.put("orders", DRAFT)
        assert put.outcome is Outcome.CREATED
    async with opened(tmp_path, clock, live) as catalog:
        assert catalog.get("orders") == put.revision
        assert catalog.get("orders").entry.dependencies == DRAFT.dependencies
        assert json.loads(await catalog.document("orders", DocumentKind.OPENAPI)) == DRAFT.openapi
        assert json.loads(await catalog.document("orders", DocumentKind.ASYNCAPI)) == DRAFT.asyncapi


async def test_saying_the_same_again_is_no_revision(catalog: Catalog, clock: FakeClock) -> None:
    """The same content, with members in another order, changes nothing and wakes nobody."""
    first = await catalog.put("orders", DRAFT)
    position = catalog.ticker.position
    clock.advance(60)
    assert DRAFT.openapi is not None
    turned = replace(DRAFT, openapi=dict(reversed(DRAFT.openapi.items())))
    again = await catalog.put("orders", turned)
    assert (again.outcome, again.revision) == (Outcome.SAME, first.revision)
    assert catalog.ticker.position == position


async def test_history_is_kept_and_bounded(catalog: Catalog, clock: FakeClock) -> None:
    """Each change is a revision; the oldest ones go when there are too many, and documents that nobody refers to go with them."""
    for number in range(5):
        await catalog.put("orders", replace(DRAFT, openapi={"number": number}, owner=f"team-{number}"))
        clock.advance(1)
    history = await catalog.history("orders")
    assert [(each.number, each.entry.owner) for each in history] == [(5, "team-4"), (4, "team-3"), (3, "team-2")]
    assert await catalog.document("orders", DocumentKind.OPENAPI) == b'{"number":4}'
    digests = [(each.entry.documents or {})[DocumentKind.OPENAPI].digest for each in history]
    store = catalog._store
    assert [await store.document(digest) for digest in digests] == [b'{"number":4}', b'{"number":3}', b'{"number":2}']
    await catalog.remove("orders")
    assert [await store.document(digest) for digest in digests] == [None] * 3


async def test_documents_that_two_services_share_stay(catalog: Catalog) -> None:
    """A document that another service refers to, too, outlives the removal of one of them."""
    await catalog.put("orders", DRAFT)
    await catalog.put("billing", Draft(version="1", openapi=DRAFT.openapi))
    await catalog.remove("orders")
    assert json.loads(await catalog.document("billing", DocumentKind.OPENAPI)) == DRAFT.openapi


@pytest.mark.parametrize(
    ("version", "running", "outcome"),
    [
        ("1.3.0", {"1.2.0"}, Outcome.CHANGED),
        ("1.1.9", {"1.2.0", "1.1.9"}, Outcome.OUTDATED),
        ("1.2.0-rc1", {"1.2.0"}, Outcome.OUTDATED),
        ("1.1.9", {"1.1.9"}, Outcome.CHANGED),
        ("1.1.9", set(), Outcome.CHANGED),
        ("1.10.0", {"1.2.0"}, Outcome.CHANGED),
    ],
)
async def test_an_older_version_speaks_only_when_the_newer_is_gone(
    catalog: Catalog, live: Running, version: str, running: set[str], outcome: Outcome
) -> None:
    """While a newer version runs, what an older one says is put aside; after a way back it counts again."""
    await catalog.put("orders", DRAFT)
    live.versions["orders"] = running
    put = await catalog.put("orders", replace(DRAFT, version=version))
    assert put.outcome is outcome
    assert catalog.get("orders").entry.version == ("1.2.0" if outcome is Outcome.OUTDATED else version)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"version": ""}, "version"),
        ({"owner": "x" * 201}, "owner"),
        ({"description": "\ud800"}, "description"),
        ({"docs": (Link("a", "javascript:alert(1)"),)}, "docs.0.url"),
        ({"docs": (Link("a", "https://x/ y"),)}, "docs.0.url"),
        ({"docs": (Link("a", "https://x"),) * 51}, "docs"),
        ({"dependencies": (Dependency("Billing"),)}, "dependencies.0.service"),
        ({"dependencies": (Dependency("orders"),)}, "dependencies.0.service"),
        ({"dependencies": (Dependency("a"), Dependency("a"))}, "dependencies.1.service"),
        ({"dependencies": tuple(Dependency(f"s{n}") for n in range(201))}, "dependencies"),
        ({"openapi": {"x": "y" * 2_000}}, "openapi"),
        ({"asyncapi": {"x": float("nan")}}, "asyncapi"),
        ({"asyncapi": {"x": "\ud800"}}, "asyncapi"),
    ],
)
async def test_what_breaks_the_rules_is_refused_and_named(
    catalog: Catalog, changes: dict[str, Any], field: str
) -> None:
    """An entry that breaks a rule is refused with the field, and nothing of it is kept."""
    with pytest.raises(InvalidEntryError) as caught:
        await catalog.put("orders", replace(DRAFT, **changes))
    assert [fault.field for fault in caught.value.faults] == [field]
    assert catalog.entries() == {}


async def test_a_bottomless_document_is_refused(catalog: Catalog) -> None:
    """A document nested deeper than can be written is refused, not a failure."""
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"a": deep}
    with pytest.raises(InvalidEntryError, match="nested too deeply"):
        await catalog.put("orders", replace(DRAFT, openapi=deep))
    while deep:  # taken apart by hand: the interpreter would do it by recursion
        deep = deep.pop("a")


async def test_no_more_entries_than_there_is_room_for(catalog: Catalog) -> None:
    """One entry too many is refused; known services may change theirs."""
    for name in ("a", "b", "c"):
        await catalog.put(name, Draft(version="1"))
    with pytest.raises(CatalogFullError):
        await catalog.put("d", Draft(version="1"))
    assert (await catalog.put("a", Draft(version="2"))).outcome is Outcome.CHANGED


async def test_what_is_not_there_is_said(catalog: Catalog) -> None:
    """Entries, documents, histories and comparisons of nobody are errors that say what there is not."""
    with pytest.raises(EntryNotFoundError, match="no entry of 'orders'"):
        catalog.get("orders")
    with pytest.raises(EntryNotFoundError):
        await catalog.history("orders")
    with pytest.raises(EntryNotFoundError):
        await catalog.comparison("orders")
    await catalog.put("orders", Draft(version="1"))
    with pytest.raises(EntryNotFoundError, match="no openapi document of 'orders'"):
        await catalog.document("orders", DocumentKind.OPENAPI)
    assert await catalog.remove("orders")
    assert not await catalog.remove("orders")


async def test_declared_and_observed_are_compared(catalog: Catalog, clock: FakeClock, live: Running) -> None:
    """Calls that are not declared, dependencies that are not called, and ones that do not exist are named."""
    live.versions["billing"] = {"1"}
    await catalog.put("orders", DRAFT)
    await catalog.observe([seen(clock, "orders", "billing", 5, errors=1), seen(clock, "orders", "stock", 2)])
    await catalog.observe([seen(clock, "orders", "billing", 7), seen(clock, "orders", "central-registry", 9)])
    found = await catalog.comparison("orders")
    assert found.undeclared == ("stock",)
    assert found.unused == ("mailer",)
    assert found.unknown == ("mailer",)
    assert not found.agrees
    assert [(each.callee, each.calls, each.errors) for each in found.observed] == [
        ("billing", 12, 1),
        ("central-registry", 9, 0),
        ("stock", 2, 0),
    ]


async def test_who_was_never_traced_is_accused_of_nothing(catalog: Catalog, clock: FakeClock, live: Running) -> None:
    """Without any trace of a service nothing is unused; being called by others is trace enough."""
    live.versions = {"billing": {"1"}, "mailer": {"1"}}
    await catalog.put("orders", DRAFT)
    found = await catalog.comparison("orders")
    assert (found.is_traced, found.unused, found.agrees) == (False, (), True)
    await catalog.observe([seen(clock, "front", "orders")])
    found = await catalog.comparison("orders")
    assert (found.is_traced, found.unused) == (True, ("billing", "mailer"))


async def test_old_calls_do_not_count_and_are_forgotten_later(catalog: Catalog, clock: FakeClock) -> None:
    """Calls of before the window are history: shown day by day, not compared, and forgotten when they are too old."""
    await catalog.put("orders", DRAFT)
    await catalog.observe(
        [seen(clock, "orders", "stock", 3, days_ago=40), seen(clock, "orders", "billing", days_ago=2)]
    )
    assert (await catalog.comparison("orders")).undeclared == ()
    days = await catalog.days("orders", back=timedelta(days=90))
    assert [(each.callee, each.calls) for each in days] == [("billing", 1), ("stock", 3)]
    clock.advance(60 * 86_400)
    assert await catalog.forget() == 1
    assert await catalog.forget() == 0
    assert [each.callee for each in await catalog.days("orders", back=timedelta(days=3_650))] == ["billing"]


async def test_services_that_only_traces_know_are_listed(catalog: Catalog, clock: FakeClock) -> None:
    """A caller without an entry is compared too: everything that it calls is undeclared."""
    await catalog.put("orders", Draft(version="1"))
    await catalog.observe([seen(clock, "shadow", "orders", 4)])
    found = {each.service: each for each in await catalog.comparisons()}
    assert set(found) == {"orders", "shadow"}
    assert found["shadow"].undeclared == ("orders",)
    assert found["orders"].agrees


async def test_a_list_asks_once_what_runs(tmp_path: Path, clock: FakeClock, live: Running) -> None:
    """However many entries are compared, the services that run are found out once."""
    asked: list[None] = []

    def running() -> dict[str, set[str]]:
        asked.append(None)
        return live.versions

    live.versions = {"billing": {"1"}}
    async with opened(tmp_path, clock, live, live_services=running) as catalog:
        for name in ("orders", "shop"):
            await catalog.put(name, Draft(version="1", dependencies=(Dependency("billing"), Dependency("mailer"))))
        assert [each.unknown for each in await catalog.comparisons()] == [("mailer",)] * 2
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"caller": "Orders"}, "caller"),
        ({"callee": "a" * 64}, "callee"),
        ({"calls": 0}, "calls"),
        ({"calls": 10**13}, "calls"),
        ({"errors": 2}, "errors"),
        ({"errors": -1}, "errors"),
    ],
)
async def test_observations_that_make_no_sense_are_refused(
    catalog: Catalog, clock: FakeClock, changes: dict[str, Any], field: str
) -> None:
    """One bad observation refuses the whole portion, and says which one and why."""
    with pytest.raises(InvalidEntryError) as caught:
        await catalog.observe([seen(clock, "a", "b"), replace(seen(clock, "orders", "billing"), **changes)])
    assert [fault.field for fault in caught.value.faults] == [f"observations.1.{field}"]
    assert await catalog.comparisons() == []


async def test_times_of_observations_are_bounded(catalog: Catalog, clock: FakeClock) -> None:
    """Calls of tomorrow, of longer ago than is kept, and ones that end before they begin are refused."""
    for wrong in (seen(clock, "a", "b", days_ago=-1), seen(clock, "a", "b", days_ago=91)):
        with pytest.raises(InvalidEntryError, match="within the last 90 days"):
            await catalog.observe([wrong])
    good = seen(clock, "a", "b", days_ago=1)
    with pytest.raises(InvalidEntryError, match="not be after"):
        await catalog.observe([replace(good, first_seen=clock())])
    with pytest.raises(InvalidEntryError, match="at most 1000"):
        await catalog.observe([good] * 1_001)


async def test_pairs_are_bounded_all_or_nothing(catalog: Catalog, clock: FakeClock) -> None:
    """A portion that brings too many pairs is refused whole; known pairs are counted on."""
    await catalog.observe([seen(clock, "a", name) for name in "bcd"])
    with pytest.raises(CatalogFullError):
        await catalog.observe([seen(clock, "a", "b", 10), seen(clock, "a", "e")])
    await catalog.observe([seen(clock, "a", "b", 10)])
    (found,) = await catalog.comparisons()
    assert [(each.callee, each.calls) for each in found.observed] == [("b", 11), ("c", 1), ("d", 1)]
