"""Dashboards and rules, written from what a service declares: its metrics, its routes, its objectives.

`python -m maestro_core_monitoring` does it from the command line. What is written depends on the declarations alone, so
that the same service gives the same bytes.
"""

from ._dashboard import dashboard
from ._rules import BURN_RATES, BurnRate, rules
from ._service import ServiceDeclaration, declaration_of
from ._text import as_json, as_yaml

__all__ = [
    "BURN_RATES",
    "BurnRate",
    "ServiceDeclaration",
    "as_json",
    "as_yaml",
    "dashboard",
    "declaration_of",
    "rules",
]
