"""Who decides: the exact limits of core-api, with a choice for when their store is away."""

from collections.abc import Sequence
from typing import Literal

from maestro_core_api.gateway import Decision, LimitStore, LimitStoreUnavailableError
from maestro_core_logging import get_logger

from ._question import Question, Reply, reply_to, reply_uncounted

WhenUnavailable = Literal["local", "allow", "deny"]


class Counter:
    """Counts requests.

    Args:
        store: Where backlogs are.
        local: Where they are while `store` is away.
        when_unavailable: What happens then: this process counts for itself, requests are let through uncounted, or refused.
    """

    def __init__(self, store: LimitStore, local: LimitStore, *, when_unavailable: WhenUnavailable = "local") -> None:
        self._store = store
        self._local = local
        self._when_unavailable = when_unavailable
        self._logger = get_logger(__name__)
        self._complained = False

    async def ask(self, question: Question) -> Reply:
        """Count a request, or refuse it.

        Args:
            question: What is asked.

        Returns:
            The answer.
        """
        try:
            decisions = await self._store.take(question.takes)
        except LimitStoreUnavailableError as error:
            self._complain(error)
            return await self._without_store(question)
        self._complained = False
        return reply_to(question, decisions)

    async def _without_store(self, question: Question) -> Reply:
        if self._when_unavailable == "deny":
            return reply_uncounted(question)
        decisions: Sequence[Decision] = ()
        if self._when_unavailable == "local":
            decisions = await self._local.take(question.takes)
        return reply_to(question, decisions)

    def _complain(self, error: Exception) -> None:
        # Once per outage: every request would say the same.
        if not self._complained:
            self._logger.warning(
                "Limits cannot be shared with other gateways now", reason=str(error), instead=self._when_unavailable
            )
        self._complained = True
