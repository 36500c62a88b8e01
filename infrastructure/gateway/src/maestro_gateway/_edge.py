"""The one model of all public routes, from which each gateway's configuration is rendered."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import urlsplit

from maestro_core_api.gateway import DeclaredRoute, GatewayProtection

from ._paths import Precedence, precedence
from ._snapshot import EdgeSnapshot, InstanceSnapshot, ServiceSnapshot

RESERVED: Final = frozenset({"health"})
"""First segments of paths that the gateway answers itself."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an instance answers."""

    host: str
    """IP address, or a name."""
    port: int
    """TCP port."""
    version: str
    """Version of the service that runs there."""
    instance_id: str
    """Its identifier in the registry."""

    @property
    def is_address(self) -> bool:
        """Whether `host` is an IP address."""
        try:
            ip_address(self.host)
        except ValueError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class EdgeService:
    """A service that the gateway knows."""

    name: str
    endpoints: tuple[Endpoint, ...]
    """Those that get traffic, by identifier."""
    shares: tuple[tuple[str, int], ...]
    """Version → weight, of versions that run, together 10,000; () where all instances are alike."""
    protection: GatewayProtection
    scheme: Literal["http", "https"]
    """How all of its endpoints are spoken to."""


@dataclass(frozen=True, slots=True)
class EdgeRoute:
    """A route of a service."""

    service: str
    declared: DeclaredRoute

    @property
    def name(self) -> str:
        """Name in logs and denials: `shop:/orders/{id}`; a prefix ends with `/*`."""
        path = self.declared.path.rstrip("/") if self.declared.is_prefix else self.declared.path
        return f"{self.service}:{path}" + ("/*" if self.declared.is_prefix else "")

    @property
    def path(self) -> str:
        """Path at the edge."""
        return edge_path(self.service, self.declared.path)

    @property
    def precedence(self) -> Precedence:
        """What routes are sorted by."""
        return precedence(self.path, is_prefix=self.declared.is_prefix)


@dataclass(frozen=True, slots=True)
class Hidden:
    """Paths that are not there, seen from outside, whatever wider route there is."""

    service: str
    path: str
    """Path at the edge; all below it belong to it."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Everything that the gateway knows."""

    services: tuple[EdgeService, ...]
    """By name."""
    routes: tuple[EdgeRoute | Hidden, ...]
    """The first one that matches is the one that counts."""


def edge_path(service: str, path: str) -> str:
    """Return where a service's path is at the edge.

    Args:
        service: Name of the service.
        path: Path in the service.

    Returns:
        `/<service><path>`; without a slash at the end for the service's root.
    """
    return f"/{service}" if path == "/" else f"/{service}{path}"


def build_edge(snapshot: EdgeSnapshot) -> Edge:
    """Make the model.

    Args:
        snapshot: What is known of services.

    Returns:
        The model; services without a declaration, or that want to stay inside, are left out.
    """
    services: list[EdgeService] = []
    routes: list[EdgeRoute | Hidden] = []
    for service in sorted(snapshot.services, key=lambda each: each.name):
        declaration = service.declaration
        if declaration is None or not declaration.exposed or service.name in RESERVED:
            continue
        scheme = scheme_of(service)
        endpoints = tuple(_endpoints(service, scheme))
        services.append(
            EdgeService(
                service.name, endpoints, _shares(endpoints, declaration.weights), declaration.protection, scheme
            )
        )
        routes += [EdgeRoute(service.name, route) for route in declaration.routes]
        routes += [Hidden(service.name, edge_path(service.name, path)) for path in declaration.hidden]
    return Edge(tuple(services), tuple(sorted(routes, key=_order)))


def scheme_of(service: ServiceSnapshot) -> Literal["http", "https"]:
    """Return how a service is spoken to: as its first instance wants it.

    Args:
        service: The service.

    Returns:
        `http` where none runs.
    """
    for instance in _by_id(service):
        return "https" if instance.url.startswith("https:") else "http"
    return "http"


def _by_id(service: ServiceSnapshot) -> list[InstanceSnapshot]:
    return sorted(service.instances, key=lambda each: each.instance_id)


def _endpoints(service: ServiceSnapshot, scheme: str) -> Iterator[Endpoint]:
    for instance in _by_id(service):
        address = urlsplit(instance.url)
        if address.scheme == scheme and address.hostname and address.path in {"", "/"}:
            host = "127.0.0.1" if address.hostname == "localhost" else address.hostname
            port = address.port or (443 if scheme == "https" else 80)
            yield Endpoint(host, port, instance.version, instance.instance_id)


def _shares(endpoints: tuple[Endpoint, ...], weights: dict[str, int]) -> tuple[tuple[str, int], ...]:
    """Divide 10,000 among the versions that run: the named ones by weight, the others by their number of instances."""
    running: dict[str, int] = {}
    for endpoint in endpoints:
        running[endpoint.version] = running.get(endpoint.version, 0) + 1
    named = {version: weights[version] for version in running if version in weights}
    if not named:
        return ()
    others = {version: count for version, count in running.items() if version not in weights}
    rest = 100 - sum(weights.values())
    parts = {version: float(weight) for version, weight in named.items()}
    parts |= {version: rest * count / sum(others.values()) for version, count in others.items()}
    total = sum(parts.values())
    if not total:
        return ()  # all that runs was to get nothing; better it answers than nobody
    whole = {version: round(part / total * 10_000) for version, part in parts.items()}
    largest = max(whole, key=lambda version: (whole[version], version))
    whole[largest] += 10_000 - sum(whole.values())
    return tuple(sorted(whole.items()))


def _order(route: EdgeRoute | Hidden) -> tuple[Precedence, int, tuple[str, ...]]:
    if isinstance(route, Hidden):
        return precedence(route.path, is_prefix=True), 1, ()
    return route.precedence, 0, route.declared.methods
