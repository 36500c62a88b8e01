"""How a service, a tool or a test calls a service."""

from ._api_client import APIClient
from ._config import CircuitConfig, ClientConfig, RetryConfig

__all__ = ["APIClient", "CircuitConfig", "ClientConfig", "RetryConfig"]
