"""Answers to questions that mean the same, in this process, for each tenant apart."""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from intelligence_service.cache.exact import Counts
from intelligence_service.cache.same_facts import facts_of
from intelligence_service.cache.threshold import NEVER, Check, FalseHits, ThresholdKeeper
from intelligence_service.domain.analysis import Analysis

Vector: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Near:
    """The remembered question that is most like another."""

    similarity: float
    """Cosine of the angle between the two, -1 to 1."""
    question: str
    analysis: Analysis
    is_hit: bool
    """Whether its answer may be given."""


@dataclass(frozen=True, slots=True)
class _Entry:
    until: float
    vector: Vector
    question: str
    facts: object
    analysis: Analysis


@dataclass(slots=True)
class _Kind:
    """Questions that differ in nothing but their words: same persona, context and model."""

    persona: str
    entries: deque[_Entry]


@dataclass(slots=True)
class _Shelf:
    """What is remembered for one tenant."""

    kinds: OrderedDict[str, _Kind] = field(default_factory=OrderedDict)
    keepers: dict[str, ThresholdKeeper] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    size: int = 0


class SemanticCache:
    """Remembers questions by what they mean.

    A tenant's questions are in a shelf of its own; a look-up never sees another one. How alike two questions must be is
    kept by a `ThresholdKeeper` for each tenant and persona, and questions with other numbers or negations are never alike.

    Args:
        ttl: How long an answer is remembered; zero remembers nothing.
        clock: Monotonic seconds.
        floor: Lowest similarity of a hit.
        budget: Largest rate of false hits.
        capacity: Most questions of one tenant.
        tenants: Most tenants; beyond it the one not seen for longest is forgotten.
    """

    def __init__(
        self,
        ttl: timedelta,
        *,
        clock: Callable[[], float],
        floor: float,
        budget: float,
        capacity: int = 1_000,
        tenants: int = 200,
    ) -> None:
        self._ttl = ttl.total_seconds()
        self._clock = clock
        self._floor = floor
        self._budget = budget
        self._capacity = capacity
        self._tenants = tenants
        self._shelves: OrderedDict[str, _Shelf] = OrderedDict()

    def nearest(self, tenant: str, persona: str, kind: str, question: str, vector: Vector) -> Near | None:
        """Find the question most like this one.

        Args:
            tenant: Who asks.
            persona: Whom.
            kind: Fingerprint of everything but the words: persona's document, context, model.
            question: The words.
            vector: What they mean, normalised.

        Returns:
            The nearest question that has the same numbers and negations and is at least as alike as the floor; None when
            there is none.
        """
        shelf = self._shelf(tenant)
        near = self._nearest(shelf, persona, kind, question, vector)
        if near is not None and near.is_hit:
            shelf.counts.hits += 1
        else:
            shelf.counts.misses += 1
        return near

    def look(self, tenant: str, persona: str, kind: str, question: str, vector: Vector) -> Near | None:
        """Do the same without counting it as a look-up.

        Args:
            tenant: Who asks.
            persona: Whom.
            kind: As for `nearest`.
            question: The words.
            vector: What they mean, normalised.
        """
        return self._nearest(self._shelf(tenant), persona, kind, question, vector)

    def put(self, tenant: str, persona: str, kind: str, question: str, vector: Vector, analysis: Analysis) -> None:
        """Remember an answer.

        Args:
            tenant: Whose.
            persona: Whose answer it is.
            kind: As for `nearest`.
            question: The words.
            vector: What they mean, normalised.
            analysis: The answer.
        """
        if self._ttl <= 0 or self._floor >= NEVER:
            return
        shelf = self._shelf(tenant)
        held = shelf.kinds.setdefault(kind, _Kind(persona, deque()))
        shelf.kinds.move_to_end(kind)
        held.entries.append(_Entry(self._clock() + self._ttl, vector, question, facts_of(question), analysis))
        shelf.size += 1
        while shelf.size > self._capacity:
            oldest, kind_held = next(iter(shelf.kinds.items()))
            kind_held.entries.popleft()
            shelf.size -= 1
            if not kind_held.entries:
                del shelf.kinds[oldest]

    def check(self, tenant: str, persona: str, near: Near, answered: Analysis) -> bool:
        """Compare a remembered answer with what the model said after all.

        Args:
            tenant: Who asked.
            persona: Whom.
            near: The remembered question.
            answered: The model's answer to the new one.

        Returns:
            Whether they agree.
        """
        agreed = comparable(near.analysis.result) == comparable(answered.result)
        self._keeper(self._shelf(tenant), persona).note(Check(near.similarity, agreed))
        return agreed

    def invalidate(self, tenant: str, persona: str | None = None) -> int:
        """Forget answers; what was measured about false hits stays.

        Args:
            tenant: Whose.
            persona: Of this persona; None forgets all of the tenant's.

        Returns:
            How many were forgotten.
        """
        shelf = self._shelf(tenant)
        gone = 0
        for kind, held in list(shelf.kinds.items()):
            if persona is None or held.persona == persona:
                gone += len(held.entries)
                del shelf.kinds[kind]
        shelf.size -= gone
        return gone

    def size(self, tenant: str) -> int:
        """Count what is remembered.

        Args:
            tenant: For whom.
        """
        return self._shelf(tenant).size

    def counts(self, tenant: str) -> Counts:
        """Tell how often looking was worth it.

        Args:
            tenant: For whom.
        """
        return self._shelf(tenant).counts

    def false_hits(self, tenant: str) -> Mapping[str, FalseHits]:
        """Tell what was measured.

        Args:
            tenant: For whom.

        Returns:
            For each persona that was asked.
        """
        return {persona: keeper.false_hits() for persona, keeper in sorted(self._shelf(tenant).keepers.items())}

    def _nearest(self, shelf: _Shelf, persona: str, kind: str, question: str, vector: Vector) -> Near | None:
        held = shelf.kinds.get(kind)
        if held is None:
            return None
        self._drop_old(shelf, kind, held)
        facts = facts_of(question)
        alike = [entry for entry in held.entries if entry.facts == facts]
        if not alike:
            return None
        similarities = np.stack([entry.vector for entry in alike]) @ vector
        best = int(similarities.argmax())
        similarity = float(similarities[best])
        keeper = self._keeper(shelf, persona)
        if similarity < keeper.floor:
            return None
        return Near(similarity, alike[best].question, alike[best].analysis, similarity >= keeper.threshold)

    def _drop_old(self, shelf: _Shelf, kind: str, held: _Kind) -> None:
        now = self._clock()
        while held.entries and held.entries[0].until <= now:
            held.entries.popleft()
            shelf.size -= 1
        if not held.entries:
            del shelf.kinds[kind]

    def _keeper(self, shelf: _Shelf, persona: str) -> ThresholdKeeper:
        if persona not in shelf.keepers:
            shelf.keepers[persona] = ThresholdKeeper(floor=self._floor, budget=self._budget)
        return shelf.keepers[persona]

    def _shelf(self, tenant: str) -> _Shelf:
        shelf = self._shelves.get(tenant)
        if shelf is None:
            shelf = self._shelves[tenant] = _Shelf()
            if len(self._shelves) > self._tenants:
                self._shelves.popitem(last=False)
        self._shelves.move_to_end(tenant)
        return shelf


def comparable(result: object) -> object:
    """Leave out of an answer what differs between two that say the same: how sure the model is.

    Args:
        result: A persona's answer.

    Returns:
        The answer without a stated confidence.
    """
    if isinstance(result, dict):
        return {name: value for name, value in result.items() if name != "confidence"}
    return result
