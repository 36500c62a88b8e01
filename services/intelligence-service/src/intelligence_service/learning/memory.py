"""Everything that was learnt: loaded when it is needed, kept current, fitted in the background, bounded."""

import asyncio
import json
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from pydantic import JsonValue

from intelligence_service.domain.learning import Encoder, Question, Recollection
from intelligence_service.learning import grams
from intelligence_service.learning.calibration import Calibration
from intelligence_service.learning.domain import ExampleStore, Partition
from intelligence_service.learning.head import Head, Trained, fit_head
from intelligence_service.learning.learner import Learner, as_trained
from maestro_core_logging import get_logger

_logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """What may be held in memory, and how it is kept current."""

    examples: int = 60_000
    """Most examples of all personas and tenants together; beyond it the persona not asked for longest is put away."""
    refresh: timedelta = timedelta(seconds=1)
    """How long a state in memory is used before the store is asked for what others have changed."""
    precision: float = 0.95
    """How often answers without the model must be right, measured on held-out examples."""
    refit_share: float = 0.02
    """A head is fitted anew when this share of the examples is new to it, and when something was taken away."""
    pause: timedelta = timedelta(seconds=2)
    """Between two fittings of one persona, so that teaching much at once fits seldom."""


@dataclass(frozen=True, slots=True)
class PersonaState:
    """What was learnt for one persona."""

    persona: str
    examples: int
    labels: int
    unfitted: int
    """Examples that came after the last fitting; they count already."""
    is_fitted: bool
    calibration: Calibration


class _Held:
    """A learner, and who works on it."""

    def __init__(self) -> None:
        self.learner = Learner()
        self.lock = asyncio.Lock()
        self.fresh_until = 0.0
        self.fitting: asyncio.Task[None] | None = None


class LearnedMemory:
    """Answers from what tenants taught. Implements `Memory`.

    Args:
        store: Keeps the examples.
        encoder: Encodes the answers' own words; examples of another encoder are encoded anew.
        limits: What may be held.
        clock: Monotonic seconds.
    """

    def __init__(
        self, store: ExampleStore, *, encoder: Encoder, limits: MemoryLimits, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._encoder = encoder
        self._limits = limits
        self._clock = clock
        self._held: OrderedDict[Partition, _Held] = OrderedDict()

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """End what is being fitted when the block ends."""
        try:
            yield
        finally:
            tasks = [held.fitting for held in self._held.values() if held.fitting is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def recall(self, tenant: str, persona: str, question: Question) -> Recollection | None:
        """See `Memory.recall`."""
        held = await self._current(Partition(tenant, persona))
        return held.learner.recall(question)

    async def revision(self, tenant: str, persona: str) -> int:
        """See `Memory.revision`."""
        return (await self._current(Partition(tenant, persona))).learner.position.revision

    async def changed(self, partition: Partition) -> None:
        """Take over at once what was just changed.

        Args:
            partition: Where.
        """
        if (held := self._held.get(partition)) is not None:
            async with held.lock:
                # A reading that was under way may be of before the change.
                held.fresh_until = 0.0
            await self._current(partition)

    async def state(self, partition: Partition) -> PersonaState:
        """Tell what was learnt.

        Args:
            partition: Where.
        """
        learner = (await self._current(partition)).learner
        return PersonaState(
            persona=partition.persona,
            examples=len(learner),
            labels=len(learner.labels),
            unfitted=learner.unfitted,
            is_fitted=learner.head is not None,
            calibration=learner.calibration,
        )

    async def fitted(self, partition: Partition) -> PersonaState:
        """Wait until the head knows everything that was taught before this call.

        Args:
            partition: Where.

        Returns:
            The state then.
        """
        held = await self._current(partition)
        while held.learner.fitted_at != held.learner.position and len(held.learner):
            self._fit_later(partition, held)
            assert held.fitting is not None
            await asyncio.shield(held.fitting)
        return await self.state(partition)

    async def _current(self, partition: Partition) -> _Held:
        held = self._held.get(partition)
        if held is None:
            held = self._held[partition] = _Held()
        self._held.move_to_end(partition)
        if held.fresh_until > self._clock():
            return held
        async with held.lock:
            if held.fresh_until <= self._clock():
                await self._refresh(partition, held)
                held.fresh_until = self._clock() + self._limits.refresh.total_seconds()
                self._put_away()
        if self._wants_fit(held.learner):
            self._fit_later(partition, held)
        return held

    async def _refresh(self, partition: Partition, held: _Held) -> None:
        learner = held.learner
        position = await self._store.position(partition)
        if position == learner.position:
            return
        anew = position.removals != learner.position.removals
        position, examples = await self._store.changes(partition, 0 if anew else learner.position.revision)
        foreign = [place for place, example in enumerate(examples) if example.encoder != self._encoder.name]
        if foreign:
            vectors = await self._encoder.encode([examples[place].question for place in foreign])
            for place, vector in zip(foreign, vectors, strict=True):
                examples[place] = replace(examples[place], vector=vector, encoder=self._encoder.name)
        if anew:
            held.learner = learner.successor(position, examples)
        else:
            learner.add(position, examples)

    def _wants_fit(self, learner: Learner) -> bool:
        if not len(learner):
            return False
        return learner.is_stale or learner.unfitted > self._limits.refit_share * len(learner)

    def _fit_later(self, partition: Partition, held: _Held) -> None:
        if held.fitting is None or held.fitting.done():
            held.fitting = asyncio.create_task(self._fit(partition, held), name="learned-head")

    async def _fit(self, partition: Partition, held: _Held) -> None:
        position, examples, vectors_of_all = held.learner.snapshot()
        trained = await asyncio.to_thread(as_trained, examples, vectors_of_all)
        names = [spoken(label) for label in trained.answers]
        if all(self._encoder.takes(name) for name in names):
            vectors = await self._encoder.encode(names)
            trained = replace(trained, names=vectors, named=grams.counts(names))
        head = await asyncio.to_thread(_fitted, trained, self._limits.precision)
        held.learner.fit(head, position)
        calibration = held.learner.calibration
        _logger.info(
            "Learned head fitted",
            persona=partition.persona,
            examples=position.examples,
            labels=len(trained.answers),
            held_out_accuracy=round(calibration.accuracy, 4),
            calibration_error=round(calibration.error, 4),
            sure_from=round(calibration.sure_from, 4),
        )
        await asyncio.sleep(self._limits.pause.total_seconds())

    def _put_away(self) -> None:
        total = sum(len(held.learner) for held in self._held.values())
        for partition in list(self._held)[:-1]:
            if total <= self._limits.examples and len(self._held) <= self._limits.examples:
                return
            held = self._held[partition]
            if held.fitting is None or held.fitting.done():
                total -= len(held.learner)
                del self._held[partition]


def spoken(label: str) -> str:
    """Write an answer as words.

    Args:
        label: The answer as canonical JSON.

    Returns:
        Its texts, with blanks in place of what joins words in names.
    """
    texts = " ".join(_texts(json.loads(label)))
    return re.sub(r"[_\-./]+", " ", texts or label)


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _fitted(trained: Trained, precision: float) -> Head | None:
    return fit_head(trained, precision=precision)
