"""Budgets over windows of time. Rules only: no I/O, no clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol

from intelligence_service.domain.errors import BudgetExhaustedError
from intelligence_service.domain.tokens import Usage


class Window(StrEnum):
    """A stretch of the calendar, in UTC."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"

    def start(self, now: datetime) -> datetime:
        """Tell when the window that holds a moment began.

        Args:
            now: The moment, aware.

        Returns:
            Its beginning, in UTC.
        """
        now = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        if self is Window.HOUR:
            return now
        return now.replace(hour=0) if self is Window.DAY else now.replace(hour=0, day=1)

    def end(self, now: datetime) -> datetime:
        """Tell when the window that holds a moment ends, which is when the next one begins.

        Args:
            now: The moment, aware.
        """
        start = self.start(now)
        if self is Window.HOUR:
            return start + timedelta(hours=1)
        return start + timedelta(days=1) if self is Window.DAY else (start + timedelta(days=32)).replace(day=1)


@dataclass(frozen=True, slots=True)
class Budget:
    """How much one tenant, or each, may use in a window."""

    window: Window
    tenant: str | None = None
    """Whose budget; None: of each tenant that has none of its own for this window."""
    tokens: int | None = None
    """Most tokens, of questions and answers; None: any number."""
    cost_micros: int | None = None
    """Most that may be spent, in millionths of the currency; None: any amount."""


@dataclass(frozen=True, slots=True)
class WindowUsage:
    """What a tenant has used in one window."""

    window: Window
    starts_at: datetime
    calls: int
    input_tokens: int
    output_tokens: int
    cost_micros: int

    @property
    def tokens(self) -> int:
        """Tokens of questions and answers."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Charge:
    """What was booked before a call, to be corrected after it."""

    tenant: str
    at: datetime
    booked: Usage


class UsageStore(Protocol):
    """Keeps what tenants use."""

    async def charge(self, tenant: str, asked: Usage, budgets: Sequence[Budget], now: datetime) -> Charge:
        """Book what a call may take, if the budgets have room for it; both in one step.

        What is booked stays so when the process dies before it is corrected: the call may have been made.

        Args:
            tenant: Who asks.
            asked: The most that the call may take.
            budgets: Budgets of this tenant.
            now: The present.

        Returns:
            What was booked.

        Raises:
            BudgetExhaustedError: A budget has no room for it.
        """

    async def settle(self, charge: Charge, used: Usage) -> None:
        """Put what a call took in place of what was booked.

        Args:
            charge: What was booked.
            used: What it took.
        """

    async def usage(self, tenant: str, now: datetime) -> list[WindowUsage]:
        """Tell what was used in the present windows.

        Args:
            tenant: By whom.
            now: The present.
        """

    async def history(self, tenant: str, window: Window, limit: int) -> list[WindowUsage]:
        """Tell what was used in windows that something was used in.

        Args:
            tenant: By whom.
            window: Which windows.
            limit: Most of them.

        Returns:
            The newest first.
        """


def budgets_of(tenant: str, budgets: Sequence[Budget]) -> list[Budget]:
    """Pick the budgets that bind a tenant: its own, and those of everybody for windows in which it has none.

    Args:
        tenant: The tenant.
        budgets: All budgets.
    """
    own = [budget for budget in budgets if budget.tenant == tenant]
    windows = {budget.window for budget in own}
    return own + [budget for budget in budgets if budget.tenant is None and budget.window not in windows]


def check_room(budget: Budget, used: WindowUsage, asked: Usage, now: datetime) -> None:
    """See whether a budget has room for a call.

    Args:
        budget: The budget.
        used: What was used in its present window.
        asked: The most that the call may take.
        now: The present.

    Raises:
        BudgetExhaustedError: It has none.
    """
    for unit, limit, spent, more in (
        ("tokens", budget.tokens, used.tokens, asked.tokens),
        ("micros", budget.cost_micros, used.cost_micros, asked.cost_micros),
    ):
        if limit is not None and spent + more > limit:
            kind = "tokens" if unit == "tokens" else "cost"
            raise BudgetExhaustedError(
                f"{kind}-per-{budget.window}",
                limit=limit,
                used=spent,
                asked=more,
                unit=unit,
                retry_after=budget.window.end(now) - now,
            )
