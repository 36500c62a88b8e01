"""Examples that tenants teach, and what a store of them promises."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Partition:
    """Whom something was taught by, and for whom: the wall between tenants."""

    tenant: str
    """Empty for callers without a tenant."""
    persona: str


@dataclass(frozen=True, slots=True)
class NewExample:
    """A question and its answer, to be kept."""

    question: str
    label: str
    """The answer as canonical JSON."""
    vector: NDArray[np.float32]
    """What the encoder made of the question."""
    encoder: str
    """Which encoder."""
    taught_by: str
    """Who says so."""


@dataclass(frozen=True, slots=True)
class Example:
    """A kept example."""

    id: str
    question: str
    label: str
    vector: NDArray[np.float32]
    encoder: str
    taught_by: str
    created_at: datetime
    updated_at: datetime
    version: int
    """Counts changes from 1."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far a learnt state has come; what is in memory is compared with it."""

    revision: int = 0
    removals: int = 0
    examples: int = 0


@dataclass(frozen=True, slots=True)
class Taught:
    """What became of an example."""

    id: str
    is_new: bool
    """False: the same question was taught before, and has this answer now."""
    version: int


@dataclass(frozen=True, slots=True)
class Listing:
    """Some examples, the newest first."""

    examples: tuple[Example, ...]
    next_cursor: str | None


class ExampleStore(Protocol):
    """Keeps examples. Every call names the partition, and none reaches beyond it."""

    async def teach(
        self, partition: Partition, examples: Sequence[NewExample], *, most: int, most_personas: int
    ) -> list[Taught]:
        """Keep examples; a question that is known gets the new answer. All of them are kept, or none.

        Args:
            partition: Where.
            examples: The examples.
            most: How many the partition may hold.
            most_personas: How many personas the tenant may teach.

        Returns:
            What became of each.

        Raises:
            LearningFullError: There is no room.
        """

    async def correct(
        self, partition: Partition, example_id: str, label: str, *, version: int | None, taught_by: str
    ) -> Example:
        """Give an example another answer.

        Args:
            partition: Where.
            example_id: Which.
            label: The answer.
            version: The version that the caller has seen; None does not mind.
            taught_by: Who says so.

        Returns:
            The example as it is now.

        Raises:
            ExampleNotFoundError: It is not in this partition.
            ExampleChangedError: It has another version.
        """

    async def forget(self, partition: Partition, *, example_id: str | None = None, label: str | None = None) -> int:
        """Remove examples; nothing of them stays.

        Args:
            partition: Where.
            example_id: Only this one.
            label: Only those with this answer.

        Returns:
            How many were removed.
        """

    async def get(self, partition: Partition, example_id: str) -> Example:
        """Look an example up.

        Raises:
            ExampleNotFoundError: It is not in this partition.
        """

    async def page(
        self, partition: Partition, *, label: str | None, text: str | None, limit: int, cursor: str | None
    ) -> Listing:
        """List examples, the newest first.

        Args:
            partition: Where.
            label: Only those with this answer.
            text: Only those whose question holds this.
            limit: Most of them.
            cursor: Where the page before ended.
        """

    async def labels(self, partition: Partition) -> dict[str, int]:
        """Count the examples of each answer."""

    async def personas(self, tenant: str) -> dict[str, Position]:
        """List the personas that a tenant has taught."""

    async def position(self, partition: Partition) -> Position:
        """Tell how far the state has come."""

    async def changes(self, partition: Partition, after: int) -> tuple[Position, list[Example]]:
        """Read examples.

        Args:
            partition: Where.
            after: Only those written after this revision; 0 reads all.

        Returns:
            How far the state has come, and the examples, the oldest change first; both of one moment.
        """
