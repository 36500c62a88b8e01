"""What the API gateway is to know: what services declare, and Envoy's configuration made from it and from who is live."""

from .api import router
from .bootstrap import GatewayRoom, opened_gateway

__all__ = ["GatewayRoom", "opened_gateway", "router"]
