"""What is wrong, or odd, in the declarations of all services."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal
from urllib.parse import urlsplit

from maestro_core_api import version_key
from maestro_core_api.gateway import Declaration, DeclaredRoute

from ._edge import RESERVED, scheme_of
from ._paths import precedence
from ._snapshot import EdgeSnapshot, ServiceSnapshot

_EVERY_METHOD: Final = frozenset({"any"})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at."""

    severity: Literal["error", "warning"]
    """An error means that traffic does not go where somebody meant it to."""
    rule: str
    """What kind it is: `ambiguous-route`."""
    service: str
    text: str
    """What is the matter, and what to do."""


def find_conflicts(snapshot: EdgeSnapshot) -> tuple[Finding, ...]:
    """Check everything that is declared.

    Args:
        snapshot: What is known of services.

    Returns:
        What was found, errors first.
    """
    found = [finding for service in snapshot.services for finding in _of_service(service)]
    return tuple(sorted(found, key=lambda finding: (finding.severity, finding.service, finding.rule, finding.text)))


def _of_service(service: ServiceSnapshot) -> Iterator[Finding]:
    if service.name in RESERVED:
        text = f"the gateway itself answers /{service.name}; give the service another name"
        yield Finding("error", "reserved-name", service.name, text)
        return
    declaration = service.declaration
    if declaration is None:
        text = "runs, but has declared nothing, so that it cannot be reached; MaestroAPI services declare by themselves"
        yield Finding("warning", "undeclared", service.name, text)
        return
    yield from _ambiguous(service.name, declaration)
    yield from _addresses(service)
    yield from _weights(service, declaration)
    yield from _open_below_hidden(service.name, declaration)
    yield from _lost_routes(service)


def _ambiguous(service: str, declaration: Declaration) -> Iterator[Finding]:
    by_shape: dict[object, list[DeclaredRoute]] = {}
    for route in declaration.routes:
        by_shape.setdefault(precedence(route.path, is_prefix=route.is_prefix), []).append(route)
    for routes in by_shape.values():
        for one, other in ((a, b) for i, a in enumerate(routes) for b in routes[i + 1 :]):
            shared = _shared_methods(one, other)
            if shared:
                text = (
                    f"{one.path} and {other.path} match the same requests ({', '.join(sorted(shared))}); "
                    "the gateway takes the first: give them different methods, or leave one out"
                )
                yield Finding("error", "ambiguous-route", service, text)


def _shared_methods(one: DeclaredRoute, other: DeclaredRoute) -> frozenset[str]:
    if not one.methods or not other.methods:
        return frozenset(one.methods or other.methods) or _EVERY_METHOD
    return frozenset(one.methods) & frozenset(other.methods)


def _addresses(service: ServiceSnapshot) -> Iterator[Finding]:
    scheme = scheme_of(service)
    for instance in service.instances:
        address = urlsplit(instance.url)
        if address.scheme != scheme:
            text = f"{instance.instance_id} speaks {address.scheme} and others {scheme}; it gets no traffic until all speak one"
            yield Finding("error", "mixed-schemes", service.name, text)
        elif address.path not in {"", "/"}:
            text = f"{instance.instance_id} is registered below a path ({instance.url}) and gets no traffic; register its root"
            yield Finding("error", "instance-below-path", service.name, text)


def _weights(service: ServiceSnapshot, declaration: Declaration) -> Iterator[Finding]:
    running = {instance.version for instance in service.instances}
    for version, weight in declaration.weights.items():
        if weight and version not in running and running:
            text = f"{weight} % are meant for version {version}, of which nothing runs; the others get them"
            yield Finding("warning", "weight-without-instances", service.name, text)


def _open_below_hidden(service: str, declaration: Declaration) -> Iterator[Finding]:
    for route in declaration.routes:
        for hidden in declaration.hidden:
            if route.authentication == "public" and (route.path + "/").startswith(hidden.rstrip("/") + "/"):
                text = f"{route.path} is public, and below {hidden}, which is hidden otherwise"
                yield Finding("warning", "public-below-hidden", service, text)


def _lost_routes(service: ServiceSnapshot) -> Iterator[Finding]:
    running = sorted(
        {instance.version for instance in service.instances} & set(service.declarations),
        key=lambda version: (version_key(version), version),
    )
    for older, newer in pairwise(running):
        kept = {(route.path, route.is_prefix) for route in service.declarations[newer].routes}
        lost = [route.path for route in service.declarations[older].routes if (route.path, route.is_prefix) not in kept]
        if lost:
            text = f"version {newer} no longer declares {', '.join(sorted(set(lost)))}, which {older} still serves"
            yield Finding("warning", "route-lost", service.name, text)
