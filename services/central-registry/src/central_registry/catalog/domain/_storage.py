"""What the catalog asks of its storage."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from ._entries import Revision
from ._observations import DayOfCalls, Observation, ObservedCalls


class CatalogStore(Protocol):
    """Keeps entries, their documents and what was observed. Every method raises `StorageError` when it cannot."""

    async def load(self) -> Sequence[Revision]:
        """Return the latest revision of every entry."""
        ...

    async def add(self, revision: Revision, documents: Mapping[str, bytes], *, keep: int) -> None:
        """Keep a revision.

        Args:
            revision: What to keep.
            documents: Its documents by digest.
            keep: How many revisions of the service to keep, this one included; older ones are forgotten.
        """
        ...

    async def history(self, service: str) -> Sequence[Revision]:
        """Return the revisions that are kept of a service, the latest first."""
        ...

    async def document(self, digest: str) -> bytes | None:
        """Return a document; None when it is not kept."""
        ...

    async def remove(self, service: str) -> None:
        """Forget all revisions of a service."""
        ...

    async def add_calls(self, observations: Sequence[Observation], *, max_pairs: int) -> bool:
        """Add what was seen to what is kept, all of it or nothing.

        Args:
            observations: What was seen.
            max_pairs: How many pairs of caller and callee may be kept.

        Returns:
            False when there would be more pairs; nothing was kept then.
        """
        ...

    async def calls(self, since: date, *, of: str | None = None) -> Sequence[ObservedCalls]:
        """Add up what was seen, by caller and callee.

        Args:
            since: The first day that counts.
            of: Only calls that this service made or got; None for all.
        """
        ...

    async def days(self, since: date, *, of: str) -> Sequence[DayOfCalls]:
        """Return what was seen day by day, the latest first, of calls that a service made or got."""
        ...

    async def forget_calls(self, before: date) -> int:
        """Forget what was seen before a day.

        Returns:
            How many days of a pair were forgotten.
        """
        ...
