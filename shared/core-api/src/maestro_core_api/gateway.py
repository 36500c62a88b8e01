"""What a service says of its public routes, how the gateway is told, and the exact limits that the gateway asks."""

from ._gateway._config import Authentication, GatewayConfig, GatewayRoute
from ._gateway._counting import LimitStore, LimitStoreUnavailableError, limit_headers, opened_limit_store
from ._gateway._declaration import Declaration, DeclaredRoute
from ._gateway._declaring import declaration_of
from ._gateway._options import GatewayCORS, GatewayProtection, GatewayRateLimit, GatewayRetries, LimitAspect
from ._rate_limit import Decision
from ._rate_limit_store import Take

__all__ = [
    "Authentication",
    "Decision",
    "Declaration",
    "DeclaredRoute",
    "GatewayCORS",
    "GatewayConfig",
    "GatewayProtection",
    "GatewayRateLimit",
    "GatewayRetries",
    "GatewayRoute",
    "LimitAspect",
    "LimitStore",
    "LimitStoreUnavailableError",
    "Take",
    "declaration_of",
    "limit_headers",
    "opened_limit_store",
]
