"""What tenants may use of models, and what they have used."""

from intelligence_service.budgets.domain import Budget, Charge, UsageStore, Window, WindowUsage
from intelligence_service.budgets.metered import Meter, MeteredModel
from intelligence_service.budgets.storage import SqlUsageStore

__all__ = ["Budget", "Charge", "Meter", "MeteredModel", "SqlUsageStore", "UsageStore", "Window", "WindowUsage"]
