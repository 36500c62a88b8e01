"""One gateway process: Envoy, and who counts requests for it."""

from ._binary import EnvoyNotInstalledError, find_envoy
from ._config import GatewayIssuer, GatewayProcessConfig
from ._gateway import EnvoyEndedError, Gateway

__all__ = [
    "EnvoyEndedError",
    "EnvoyNotInstalledError",
    "Gateway",
    "GatewayIssuer",
    "GatewayProcessConfig",
    "find_envoy",
]
