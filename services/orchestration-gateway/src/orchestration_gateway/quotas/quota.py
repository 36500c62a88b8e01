"""What a tenant may use. Rules only."""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

PLATFORM: Final = "-"
"""On whose account goes what belongs to no tenant; no tenant's name can be it, see `account_of`."""


class Quota(BaseModel):
    """What a tenant may use."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    starts: int = Field(default=600, ge=1)
    """How many runs triggers and tools may start in a window; all of them may come at once. Default 600."""
    window_s: float = Field(default=60.0, ge=0.01, le=2_678_400, allow_inf_nan=False)
    """The window, in seconds. Default 60."""
    streams: int = Field(default=100, ge=1, le=100_000)
    """How many live streams may be open at a time. Default 100."""


def account_of(tenant: str | None) -> str:
    """Return on whose account something goes.

    Args:
        tenant: The tenant; None for the platform's own.
    """
    return PLATFORM if tenant is None else f"t:{tenant}"


def quota_of(tenant: str | None, default: Quota, own: Mapping[str, Quota]) -> Quota:
    """Return the quota of a tenant.

    Args:
        tenant: The tenant; None for the platform's own.
        default: What holds for tenants without one of their own.
        own: Quotas by tenant.
    """
    return default if tenant is None else own.get(tenant, default)
