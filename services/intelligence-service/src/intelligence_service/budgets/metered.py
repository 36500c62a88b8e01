"""A model whose use is booked to a tenant."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import datetime

from intelligence_service.budgets.domain import Budget, Charge, UsageStore, budgets_of
from intelligence_service.domain.errors import IntelligenceError, ModelUnavailableError
from intelligence_service.domain.model import Model, ModelReply, ModelRequest
from intelligence_service.domain.tokens import NO_USAGE, Price, Usage, estimated_tokens
from intelligence_service.models.wire import question_tokens


class Meter:
    """Books calls.

    Args:
        store: Keeps what is used.
        budgets: All budgets.
        price: The dearest price that a call may have.
        now: Gives the present, aware.
    """

    def __init__(
        self, store: UsageStore, *, budgets: Sequence[Budget], price: Price, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._budgets = tuple(budgets)
        self._price = price
        self._now = now

    def budgets(self, tenant: str) -> list[Budget]:
        """List the budgets that bind a tenant.

        Args:
            tenant: The tenant.
        """
        return budgets_of(tenant, self._budgets)

    async def charge(self, tenant: str, request: ModelRequest) -> Charge:
        """Book the most that a call may take.

        Args:
            tenant: Who asks.
            request: The question.

        Returns:
            What was booked.

        Raises:
            BudgetExhaustedError: There is no room for it.
        """
        asked = question_tokens(request)
        most = Usage(asked, request.max_tokens, self._price.of(asked, request.max_tokens))
        return await self._store.charge(tenant, most, self.budgets(tenant), self._now())

    async def settle(self, charge: Charge, used: Usage) -> None:
        """Book what the call took instead. It is done even while the caller is being cancelled.

        Args:
            charge: What was booked.
            used: What it took.
        """
        await _to_the_end(self._store.settle(charge, used))

    def partly(self, request: ModelRequest, text: str) -> Usage:
        """Work out what an answer took that nobody waited for to its end.

        Args:
            request: The question.
            text: The pieces that came.
        """
        asked, told = question_tokens(request), estimated_tokens(text)
        return Usage(asked, told, self._price.of(asked, told), estimated=True)


class MeteredModel:
    """Books every call to one tenant. Implements `Model`.

    Args:
        model: Who is asked.
        meter: Books.
        tenant: For whom.
    """

    def __init__(self, model: Model, meter: Meter, tenant: str) -> None:
        self._model = model
        self._meter = meter
        self._tenant = tenant

    @property
    def identity(self) -> str:
        """Which model would answer."""
        return self._model.identity

    async def complete(self, request: ModelRequest) -> ModelReply:
        """See `Model.complete`."""
        charge = await self._meter.charge(self._tenant, request)
        # Where nobody waits for the end, nobody knows what the model makes of it: what was booked stays.
        used = charge.booked
        try:
            reply = await self._model.complete(request)
            used = reply.usage.plus(charge.booked, reply.unheard)
        except IntelligenceError as error:
            used = NO_USAGE.plus(charge.booked, _unheard(error))
            raise
        finally:
            await self._meter.settle(charge, used)
        return reply

    async def stream(self, request: ModelRequest) -> AsyncGenerator[str | ModelReply]:
        """See `Model.stream`. What a caller did not wait for is booked as far as it came."""
        charge = await self._meter.charge(self._tenant, request)
        pieces: list[str] = []
        used: Usage | None = None
        try:
            async with aclosing(self._model.stream(request)) as stream:
                async for piece in stream:
                    if isinstance(piece, ModelReply):
                        used = piece.usage.plus(charge.booked, piece.unheard)
                    else:
                        pieces.append(piece)
                    yield piece
        except IntelligenceError as error:
            came = self._meter.partly(request, "".join(pieces)) if pieces else NO_USAGE
            used = used or came.plus(charge.booked, _unheard(error))
            raise
        finally:
            await self._meter.settle(charge, used or self._meter.partly(request, "".join(pieces)))


def _unheard(error: IntelligenceError) -> int:
    return error.unheard if isinstance(error, ModelUnavailableError) else 0


async def _to_the_end(work: Awaitable[None]) -> None:
    """Wait for work that must not be given up; being cancelled meanwhile is heard after it."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
