"""The catalog: what is said in memory, documents and what was seen on disk."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from central_registry.domain import Clock, Ticker

from ._comparison import Comparison, compare
from ._documents import Document, document
from ._entries import DocumentKind, Draft, Entry, Revision
from ._errors import CatalogFullError, EntryNotFoundError, InvalidEntryError
from ._limits import CatalogLimits
from ._observations import DayOfCalls, Observation, ObservedCalls, observation_faults
from ._storage import CatalogStore
from ._versions import is_older


class Outcome(StrEnum):
    """What came of an entry that was put."""

    CREATED = "created"
    """The service had none."""
    CHANGED = "changed"
    """It is a new revision."""
    SAME = "same"
    """It says what the present one says."""
    OUTDATED = "outdated"
    """It is of an older version than the present one, instances of which still run: the present one stays."""


class Put(NamedTuple):
    """Outcome of `Catalog.put`."""

    revision: Revision
    """The entry as it is now."""
    outcome: Outcome


class Catalog:
    """What each service is.

    Args:
        store: Keeps it.
        clock: Gives the present.
        live_versions: Gives the versions of a service that run.
        live_services: Gives the names of the services that run.
        limits: The bounds.
        implicit: Services that every service calls without saying so.
        window: How far back calls count in comparisons.
        kept: How far back what was seen is kept.

    Attributes:
        ticker: Its position is the version of what is said; `ticker.wait(position)` returns when that changes.
    """

    def __init__(
        self,
        store: CatalogStore,
        *,
        clock: Clock,
        live_versions: Callable[[str], Collection[str]],
        live_services: Callable[[], Collection[str]],
        limits: CatalogLimits | None = None,
        implicit: Collection[str] = (),
        window: timedelta = timedelta(days=30),
        kept: timedelta = timedelta(days=90),
    ) -> None:
        self._store = store
        self._clock = clock
        self._live_versions = live_versions
        self._live_services = live_services
        self._limits = limits or CatalogLimits()
        self._implicit = frozenset(implicit)
        self._window = window
        self._kept = kept
        self._entries: dict[str, Revision] = {}
        self._changing = asyncio.Lock()
        self.ticker = Ticker()

    async def restore(self) -> int:
        """Take up what an earlier process knew.

        Returns:
            How many entries there are.

        Raises:
            StorageError: They cannot be read.
        """
        self._entries = {revision.entry.service: revision for revision in await self._store.load()}
        self.ticker.tick()
        return len(self._entries)

    async def put(self, service: str, draft: Draft) -> Put:
        """Take what a service says about itself.

        Args:
            service: Name of the service.
            draft: What it says.

        Returns:
            The entry as it is now, and what came of this.

        Raises:
            InvalidEntryError: It breaks the rules; all faults are named.
            CatalogFullError: It would be one entry too many.
            StorageError: It cannot be kept; what was known before still is.
        """
        if faults := tuple(self._limits.faults(service, draft)):
            raise InvalidEntryError(faults)
        entry, documents = self._read(service, draft)
        async with self._changing:
            present = self._entries.get(service)
            if present is None and len(self._entries) >= self._limits.max_services:
                raise CatalogFullError("entries", self._limits.max_services)
            if present is not None and present.entry == entry:
                return Put(present, Outcome.SAME)
            if present is not None and self._is_outdated(entry, present.entry):
                return Put(present, Outcome.OUTDATED)
            number = 1 if present is None else present.number + 1
            revision = Revision(number, self._clock(), entry)
            contents = {each.info.digest: each.content for each in documents.values()}
            await self._store.add(revision, contents, keep=self._limits.max_revisions)
            self._entries[service] = revision
            self.ticker.tick()
            return Put(revision, Outcome.CREATED if present is None else Outcome.CHANGED)

    def get(self, service: str) -> Revision:
        """Return the entry of a service.

        Args:
            service: Name of the service.

        Returns:
            Its latest revision.

        Raises:
            EntryNotFoundError: There is none.
        """
        if (revision := self._entries.get(service)) is None:
            raise EntryNotFoundError(service)
        return revision

    def entries(self) -> Mapping[str, Revision]:
        """Return the latest revision of every entry, by the service's name and in the order of names."""
        return dict(sorted(self._entries.items()))

    async def history(self, service: str) -> Sequence[Revision]:
        """Return what a service said before.

        Args:
            service: Name of the service.

        Returns:
            The revisions that are kept, the latest first, at least one.

        Raises:
            EntryNotFoundError: There is no entry.
        """
        self.get(service)
        return await self._store.history(service)

    async def document(self, service: str, kind: DocumentKind) -> bytes:
        """Return a document of a service.

        Args:
            service: Name of the service.
            kind: Which one.

        Returns:
            Canonical JSON.

        Raises:
            EntryNotFoundError: There is no entry, or no such document.
        """
        info = (self.get(service).entry.documents or {}).get(kind)
        content = None if info is None else await self._store.document(info.digest)
        if content is None:
            raise EntryNotFoundError(service, f"{kind} document")
        return content

    async def remove(self, service: str) -> bool:
        """Forget what a service said. Doing so twice is no error.

        Args:
            service: Name of the service.

        Returns:
            True when there was an entry.
        """
        async with self._changing:
            if service not in self._entries:
                return False
            await self._store.remove(service)
            del self._entries[service]
            self.ticker.tick()
            return True

    async def observe(self, observations: Sequence[Observation]) -> None:
        """Take what traces showed.

        Args:
            observations: What was seen since the last time.

        Raises:
            InvalidEntryError: It breaks the rules; all faults are named, and nothing was kept.
            CatalogFullError: There would be too many pairs of services; nothing was kept.
        """
        if faults := tuple(observation_faults(observations, self._clock(), self._kept)):
            raise InvalidEntryError(faults)
        if not await self._store.add_calls(observations, max_pairs=self._limits.max_pairs):
            raise CatalogFullError("pairs of caller and callee", self._limits.max_pairs)

    async def comparison(self, service: str) -> Comparison:
        """Compare what a service declares with what it was seen calling.

        Args:
            service: Name of the service.

        Returns:
            The comparison.

        Raises:
            EntryNotFoundError: Neither has it an entry nor was it seen.
        """
        seen = await self._store.calls((self._clock() - self._window).date(), of=service)
        if service not in self._entries and not seen:
            raise EntryNotFoundError(service)
        return self._compare(service, seen, self._known())

    async def comparisons(self) -> Sequence[Comparison]:
        """Compare for every service that has an entry or was seen calling, in the order of names."""
        seen = await self._store.calls((self._clock() - self._window).date())
        by_service: dict[str, list[ObservedCalls]] = {}
        for calls in seen:
            for name in {calls.caller, calls.callee}:
                by_service.setdefault(name, []).append(calls)
        names = sorted(self._entries.keys() | {calls.caller for calls in seen})
        known = self._known()
        return [self._compare(name, by_service.get(name, []), known) for name in names]

    async def days(self, service: str, *, back: timedelta) -> Sequence[DayOfCalls]:
        """Return what was seen of a service day by day, the latest first.

        Args:
            service: Name of the service.
            back: How far back.
        """
        return await self._store.days((self._clock() - back).date(), of=service)

    async def forget(self) -> int:
        """Forget what was seen too long ago.

        Returns:
            How many days of a pair were forgotten.
        """
        return await self._store.forget_calls((self._clock() - self._kept).date())

    def _is_outdated(self, entry: Entry, present: Entry) -> bool:
        # Two versions run side by side while one takes the other's place; going back for good is another matter.
        return is_older(entry.version, than=present.version) and present.version in self._live_versions(entry.service)

    def _read(self, service: str, draft: Draft) -> tuple[Entry, Mapping[DocumentKind, Document]]:
        limits = self._limits
        given = {DocumentKind.OPENAPI: draft.openapi, DocumentKind.ASYNCAPI: draft.asyncapi}
        documents = {
            kind: document(kind.value, value, limits.max_document_bytes)
            for kind, value in given.items()
            if value is not None
        }
        entry = Entry(
            service=service,
            version=draft.version,
            owner=draft.owner,
            description=draft.description,
            docs=draft.docs,
            dependencies=draft.dependencies,
            documents={kind: each.info for kind, each in documents.items()},
        )
        return entry, documents

    def _known(self) -> frozenset[str]:
        return frozenset(self._entries.keys() | set(self._live_services()))

    def _compare(self, service: str, seen: Collection[ObservedCalls], known: Collection[str]) -> Comparison:
        revision = self._entries.get(service)
        return compare(
            service,
            () if revision is None else revision.entry.dependencies,
            seen,
            known=known,
            implicit=self._implicit,
            since=self._clock() - self._window,
        )
