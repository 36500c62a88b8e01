import asyncio
from collections.abc import Sequence
from datetime import timedelta

from governance_service.scorecards.assessor import Assessor
from governance_service.scorecards.observer import Registered
from maestro_core_monitoring import MetricsCollector


class Observer:
    """Sees nothing, and fails the first time as nobody foresaw."""

    def __init__(self) -> None:
        self.asked = 0
        self.again = asyncio.Event()

    async def registered(self) -> Sequence[Registered]:
        self.asked += 1
        if self.asked == 1:
            raise RuntimeError("nobody foresaw this")
        self.again.set()
        return []


async def test_an_assessment_that_failed_is_not_the_last() -> None:
    """Whatever goes wrong, services are assessed again after the pause."""
    observer = Observer()
    assessor = Assessor(observer, None, metrics=MetricsCollector("test"))  # type: ignore[arg-type]
    async with asyncio.timeout(30), assessor.at_work(timedelta(milliseconds=1)):
        await observer.again.wait()


async def test_without_an_interval_nothing_is_assessed() -> None:
    """Zero means that services are assessed when somebody asks."""
    observer = Observer()
    assessor = Assessor(observer, None, metrics=MetricsCollector("test"))  # type: ignore[arg-type]
    async with assessor.at_work(timedelta(0)):
        for _ in range(10):
            await asyncio.sleep(0)
    assert observer.asked == 0
