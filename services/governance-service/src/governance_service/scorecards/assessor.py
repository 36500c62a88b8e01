"""Assessing services: now and then all of them, and one when somebody asks."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Final

from governance_service.domain import GovernanceError
from governance_service.repeating import repeated
from governance_service.scorecards.domain import Scorecard, ScorecardNotFoundError, ScorecardStore, assess
from governance_service.scorecards.observer import Observer, Registered
from maestro_core_db import DatabaseError
from maestro_core_logging import get_logger
from maestro_core_monitoring import MetricsCollector

_logger = get_logger(__name__)
_AT_ONCE: Final = 4


class Assessor:
    """Looks at services, and keeps what comes of it.

    Args:
        observer: Looks.
        store: Keeps.
        metrics: Where scores are shown.
    """

    def __init__(self, observer: Observer, store: ScorecardStore, *, metrics: MetricsCollector) -> None:
        self._observer = observer
        self._store = store
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._scores = metrics.gauge(
            "governance_scorecard_score",
            "How much of the migration checklist a service has done, 0 to 100.",
            ("target",),
        )

    async def assess(self, service: str) -> Scorecard:
        """Assess a service now.

        Args:
            service: Its name.

        Returns:
            Its scorecard.

        Raises:
            ScorecardNotFoundError: It is not registered.
            RegistryUnreachableError: The registry cannot be asked.
            DatabaseError: The scorecard cannot be kept.
        """
        return await self._assess(await self.find(service))

    async def find(self, service: str) -> Registered:
        """Return a service that is registered, or was looked at before.

        Args:
            service: Its name.

        Raises:
            ScorecardNotFoundError: It is neither.
            RegistryUnreachableError: The registry cannot be asked.
        """
        registered = await self._observer.registered()
        found = next((one for one in registered if one.name == service), None)
        if found is None:
            if await self._store.latest_of(service) is None:
                raise ScorecardNotFoundError(service, [one.name for one in registered])
            found = Registered(service, ())
        return found

    async def assess_all(self) -> Sequence[Scorecard]:
        """Assess every registered service.

        Returns:
            Their scorecards, by name.

        Raises:
            RegistryUnreachableError: The registry cannot be asked.
            DatabaseError: A scorecard cannot be kept.
        """
        return await asyncio.gather(*map(self._assess, await self._observer.registered()))

    @asynccontextmanager
    async def at_work(self, interval: timedelta) -> AsyncIterator[None]:
        """Assess every service now and then while the block runs.

        Args:
            interval: How often; zero for never.

        Yields:
            Nothing.
        """
        # A service that does not answer would keep this one from ending.
        async with repeated(self._try, every=interval, name="scorecards", at_once=False, breaks_off=True):
            yield

    async def _assess(self, service: Registered) -> Scorecard:
        async with self._at_once:
            facts = await self._observer.look(service)
            attestations = await self._store.attestations(service.name)
            scorecard = assess(replace(facts, attestations=attestations))
            await self._store.add(scorecard)
        self._scores.labels(target=service.name).set(scorecard.score)
        return scorecard

    async def _try(self) -> None:
        try:
            scorecards = await self.assess_all()
        except (GovernanceError, DatabaseError) as error:
            _logger.warning("Services were not assessed", error_code=error.code, reason=str(error))
        except Exception:
            # One answer that nobody foresaw must not end all assessments to come.
            _logger.exception("Services were not assessed")
        else:
            _logger.info("Services assessed", count=len(scorecards))
