"""Both caches together, and the checks that measure false hits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from intelligence_service.cache.exact import ExactCache
from intelligence_service.cache.semantic import Near, SemanticCache
from intelligence_service.domain.analysis import Analysis
from intelligence_service.domain.errors import IntelligenceError
from intelligence_service.domain.learning import Question
from intelligence_service.domain.recall import Alike
from maestro_core_db import DatabaseError
from maestro_core_logging import get_logger
from maestro_core_monitoring import MetricsCollector

_MOST_CHECKS = 4
"""Checks at a time; further ones are left out, so that they never crowd out what callers wait for."""
_logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RecallOptions:
    """How answers are remembered."""

    shadow_ratio: float = 0.02
    """Share of answers by likeness that are compared with the model's own, 0 to 1."""


class CachedAnswers:
    """Remembers answers to the same questions, and to those that mean the same. Implements `Recall`.

    Args:
        exact: Same questions.
        semantic: Questions that mean the same; None knows none.
        options: How often an answer by likeness is checked.
        draw: Gives a number from 0 to below 1.
        metrics: Counts; the metrics are declared here.
    """

    def __init__(
        self,
        exact: ExactCache,
        semantic: SemanticCache | None,
        *,
        options: RecallOptions,
        draw: Callable[[], float],
        metrics: MetricsCollector,
    ) -> None:
        self.exact = exact
        self.semantic = semantic
        self._ratio = options.shadow_ratio
        self._draw = draw
        self._checks: set[asyncio.Task[None]] = set()
        self._lookups = metrics.counter(
            "answer_cache_lookups_total", "Look-ups of remembered answers, by cache and outcome.", ("cache", "outcome")
        )
        self._checked = metrics.counter(
            "answer_cache_checks_total",
            "Answers by likeness that were compared with the model's own, by whether they agreed.",
            ("outcome",),
        )

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """End running checks when the block ends."""
        try:
            yield
        finally:
            for check in self._checks:
                check.cancel()
            await asyncio.gather(*self._checks, return_exceptions=True)

    def same(self, tenant: str, key: str) -> Analysis | None:
        """See `Recall.same`."""
        found = self.exact.get(tenant, key)
        self._lookups.labels("exact", "miss" if found is None else "hit").inc()
        return found

    def put(self, tenant: str, key: str, analysis: Analysis) -> None:
        """See `Recall.put`."""
        self.exact.put(tenant, key, analysis)

    def like(self, tenant: str, persona: str, kind: str, question: Question) -> Alike | None:
        """See `Recall.like`."""
        if self.semantic is None:
            return None
        near = self.semantic.nearest(tenant, persona, kind, question.text, question.vector)
        is_hit = near is not None and near.is_hit
        self._lookups.labels("semantic", "hit" if is_hit else "miss").inc()
        return Alike(near.similarity, near.question, near.analysis) if near is not None and is_hit else None

    def learn_likeness(self, tenant: str, persona: str, kind: str, question: Question, analysis: Analysis) -> None:
        """See `Recall.learn_likeness`."""
        if self.semantic is None:
            return
        near = self.semantic.look(tenant, persona, kind, question.text, question.vector)
        if near is not None:
            # The model was asked anyway: what the cache would have said is checked for nothing.
            self._note(tenant, persona, near, analysis)
        self.semantic.put(tenant, persona, kind, question.text, question.vector, analysis)

    def wants_check(self) -> bool:
        """See `Recall.wants_check`."""
        return self.semantic is not None and len(self._checks) < _MOST_CHECKS and self._draw() < self._ratio

    def check_later(
        self, tenant: str, persona: str, alike: Alike, ask_model: Callable[[], Awaitable[Analysis]]
    ) -> None:
        """See `Recall.check_later`."""
        task = asyncio.create_task(self._check(tenant, persona, alike, ask_model), name="answer-cache-check")
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)

    def invalidate(self, tenant: str, persona: str | None = None) -> int:
        """Forget answers.

        Args:
            tenant: Whose.
            persona: Of this persona; None forgets all of the tenant's.

        Returns:
            How many were forgotten.
        """
        gone = self.exact.invalidate(tenant, persona)
        return gone if self.semantic is None else gone + self.semantic.invalidate(tenant, persona)

    async def _check(
        self, tenant: str, persona: str, alike: Alike, ask_model: Callable[[], Awaitable[Analysis]]
    ) -> None:
        try:
            analysis = await ask_model()
        except (IntelligenceError, DatabaseError) as error:
            # No budget, no model, no database: nothing is learnt about the cache, and nobody waits for it.
            self._checked.labels("failed").inc()
            _logger.info("A remembered answer could not be checked", persona=persona, code=error.code)
            return
        self._note(tenant, persona, Near(alike.similarity, alike.question, alike.analysis, is_hit=True), analysis)

    def _note(self, tenant: str, persona: str, near: Near, analysis: Analysis) -> None:
        assert self.semantic is not None
        agreed = self.semantic.check(tenant, persona, near, analysis)
        self._checked.labels("agreed" if agreed else "differed").inc()
        if not agreed:
            threshold = self.semantic.false_hits(tenant)[persona].threshold
            _logger.info(
                "A remembered answer differs from the model's own",
                persona=persona,
                similarity=round(near.similarity, 4),
                threshold=round(threshold, 4),
            )
