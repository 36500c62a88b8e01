"""One set of route declarations, rendered for Envoy and for Kong."""

from ._edge import Edge, EdgeRoute, EdgeService, Endpoint, Hidden, build_edge
from ._findings import Finding, find_conflicts
from ._settings import EdgeIssuer, EdgeSettings
from ._snapshot import EdgeSnapshot, InstanceSnapshot, ServiceSnapshot

__all__ = [
    "Edge",
    "EdgeIssuer",
    "EdgeRoute",
    "EdgeService",
    "EdgeSettings",
    "EdgeSnapshot",
    "Endpoint",
    "Finding",
    "Hidden",
    "InstanceSnapshot",
    "ServiceSnapshot",
    "build_edge",
    "find_conflicts",
]
