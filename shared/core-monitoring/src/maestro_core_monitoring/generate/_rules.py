"""Recording and alerting rules of a service."""

from dataclasses import dataclass
from typing import Any, Final

from ._alerts import service_alerts
from ._promql import duration
from ._service import ServiceDeclaration
from ._slo import Slo, slos_of

_HOUR: Final = 3_600
_DAY: Final = 24 * _HOUR
_BUDGET_PERIOD: Final = 30 * _DAY


@dataclass(frozen=True, slots=True)
class BurnRate:
    """An alert on how fast the error budget of 30 days goes: both windows must be above it."""

    factor: float
    """How many times faster than the objective allows."""
    long_s: int
    """The window that tells that enough of the budget is gone, in seconds."""
    short_s: int
    """The window that tells that it is still going on, in seconds."""
    severity: str
    """`page`: somebody has to look now. `ticket`: on one of the next days."""


BURN_RATES: Final = (
    BurnRate(14.4, _HOUR, 300, "page"),
    BurnRate(6.0, 6 * _HOUR, 1_800, "page"),
    BurnRate(3.0, _DAY, 2 * _HOUR, "ticket"),
    BurnRate(1.0, 3 * _DAY, 6 * _HOUR, "ticket"),
)
"""Google's "The Site Reliability Workbook", chapter 5, "6: Multiwindow, Multi-Burn-Rate Alerts", table 5-8, where 2 % of the
budget in an hour and 5 % in six page, and 10 % in three days open a ticket; here 10 % in one day do as well, so that what lies
between is found on the same day. The short window is a twelfth of the long one."""


def rules(service: ServiceDeclaration) -> dict[str, Any]:
    """Return the rules of a service, as a rule file of Prometheus.

    Args:
        service: What it declares.

    Returns:
        The document, to be written as YAML.
    """
    slos = slos_of(service)
    return {
        "groups": [
            {"name": f"{service.name}: requests", "rules": _request_rules(service)},
            {"name": f"{service.name}: objectives", "rules": [rule for slo in slos for rule in _slo_rules(slo)]},
            {
                "name": f"{service.name}: error budgets",
                "rules": [alert for slo in slos for alert in _burn_alerts(slo, service)],
            },
            {"name": f"{service.name}: service", "rules": service_alerts(service)},
        ]
    }


def _request_rules(service: ServiceDeclaration) -> list[dict[str, Any]]:
    here = f'service="{service.name}"'
    quantiles = [
        {
            "record": "service_route:service_request_duration_seconds:quantile5m",
            "expr": f"histogram_quantile({quantile}, sum by (service, route, le) "
            f"(rate(service_request_duration_seconds_bucket{{{here}}}[5m])))",
            "labels": {"quantile": f"{quantile}"},
        }
        for quantile in (0.5, 0.95, 0.99)
    ]
    return [
        {
            "record": "service_route_status:service_requests:rate5m",
            "expr": f"sum by (service, route, status) (rate(service_requests_total{{{here}}}[5m]))",
        },
        {
            "record": "service_route_code:service_errors:rate5m",
            "expr": f"sum by (service, route, error_code) (rate(service_errors_total{{{here}}}[5m]))",
        },
        *quantiles,
    ]


def _slo_rules(slo: Slo) -> list[dict[str, Any]]:
    windows = sorted({window for rate in BURN_RATES for window in (rate.short_s, rate.long_s)})
    labels = {"service": slo.service, "slo": slo.name}
    recorded: list[dict[str, Any]] = [
        {"record": "service:slo_objective:ratio", "expr": f"vector({slo.objective!r})", "labels": labels},
        {"record": "service:slo_requests:rate5m", "expr": slo.total("5m"), "labels": labels},
        {"record": "service:slo_errors:rate5m", "expr": slo.errors("5m"), "labels": labels},
    ]
    recorded += [
        {
            "record": f"service:slo_errors_per_request:ratio_rate{duration(window)}",
            "expr": f"{slo.errors(duration(window))}\n/\n{slo.total(duration(window))}",
            "labels": labels,
        }
        for window in windows
    ]
    return [
        *recorded,
        {
            "record": "service:slo_error_budget:remaining_ratio30d",
            "expr": "1 - (\n"
            f"  sum_over_time({slo.recorded('service:slo_errors:rate5m')}[30d])\n"
            "  /\n"
            f"  sum_over_time({slo.recorded('service:slo_requests:rate5m')}[30d])\n"
            f") / {slo.budget:.10g}",
            "labels": labels,
        },
    ]


def _burn_alerts(slo: Slo, service: ServiceDeclaration) -> list[dict[str, Any]]:
    alerts = []
    for severity in ("page", "ticket"):
        # A share of errors is never above 1: with a weak objective, a fast burn cannot happen.
        rates = [rate for rate in BURN_RATES if rate.severity == severity and rate.factor * slo.budget < 1]
        if not rates:
            continue
        alerts.append(
            {
                "alert": "ErrorBudgetBurn",
                "expr": "\nor\n".join(_condition(slo, rate, service.objectives.min_requests) for rate in rates),
                "labels": {"severity": severity, "service": slo.service, "slo": slo.name},
                "annotations": {
                    "summary": f"{service.title}: the error budget for {slo.name} is going too fast",
                    "description": f"{slo.promise} At this rate, {_shares(rates)}. "
                    "The dashboard's row Objectives shows since when; Requests shows which route and which error.",
                    **_runbook(service, "ErrorBudgetBurn"),
                },
            }
        )
    return alerts


def _condition(slo: Slo, rate: BurnRate, min_requests: int) -> str:
    above = f"> {rate.factor:g} * {slo.budget:.10g}"
    parts = [
        f"{slo.recorded(f'service:slo_errors_per_request:ratio_rate{duration(window)}')} {above}"
        for window in (rate.long_s, rate.short_s)
    ]
    if min_requests:
        parts.append(f"on () sum(increase({slo.total_series}[{duration(rate.long_s)}])) >= {min_requests}")
    joined = "\n  and\n  ".join(parts)
    return f"(\n  {joined}\n)"


def _shares(rates: list[BurnRate]) -> str:
    told = [
        f"{100 * rate.factor * rate.long_s / _BUDGET_PERIOD:.0f} % of the budget of 30 days are gone in {duration(rate.long_s)}"
        for rate in rates
    ]
    return " or ".join(told)


def _runbook(service: ServiceDeclaration, alert: str) -> dict[str, str]:
    url = service.objectives.runbook_url
    return {} if url is None else {"runbook_url": url.replace("{alert}", alert)}
