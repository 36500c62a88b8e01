"""The dashboard of a service."""

from typing import Any, Final

from ._panels import DATASOURCE, laid_out
from ._rows import health_row, objective_row, own_row, request_row, resource_row, telemetry_row
from ._service import ServiceDeclaration

SCHEMA_VERSION: Final = 39
_MAX_UID: Final = 40


def dashboard(service: ServiceDeclaration) -> dict[str, Any]:
    """Return the dashboard of a service, as Grafana imports it.

    It reads the recorded series of `rules`, and needs no convention for the names of jobs: which targets are the service's,
    `service_info` tells.

    Args:
        service: What it declares.

    Returns:
        The document, to be written as JSON.
    """
    rows = [objective_row(service), request_row(service), health_row(service)]
    if service.metrics:
        rows.append(own_row(service))
    rows += [resource_row(service), telemetry_row(service)]
    return {
        "uid": f"maestro-{service.name}"[:_MAX_UID],
        "title": service.title,
        "description": f"Requests, objectives, health and resources of {service.name}.",
        "tags": ["maestro", service.name],
        "timezone": "browser",
        "editable": True,
        "graphTooltip": 1,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "30s",
        "schemaVersion": SCHEMA_VERSION,
        "templating": {"list": _variables(service)},
        "annotations": {"list": [_deployments(service)]},
        "links": [_other_services()],
        "panels": laid_out(rows),
    }


def _variables(service: ServiceDeclaration) -> list[dict[str, Any]]:
    info = f'service_info{{service="{service.name}"}}'
    return [
        {"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus"},
        _labels("job", f"label_values({info}, job)", hide=2),
        _labels("instance", f"label_values({info}, instance)", hide=0),
    ]


def _labels(name: str, query: str, *, hide: int) -> dict[str, Any]:
    return {
        "type": "query",
        "name": name,
        "label": name.capitalize(),
        "hide": hide,
        "datasource": DATASOURCE,
        "query": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _deployments(service: ServiceDeclaration) -> dict[str, Any]:
    """Show what whoever deploys has told Grafana of, by its HTTP interface for annotations."""
    return {
        "name": "Deployments",
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": True,
        "iconColor": "blue",
        "target": {"limit": 100, "matchAny": False, "tags": ["deployment", service.name], "type": "tags"},
    }


def _other_services() -> dict[str, Any]:
    return {
        "title": "Services",
        "type": "dashboards",
        "icon": "external link",
        "tooltip": "The other services",
        "tags": ["maestro"],
        "asDropdown": True,
        "targetBlank": False,
        "includeVars": False,
        "keepTime": True,
    }
