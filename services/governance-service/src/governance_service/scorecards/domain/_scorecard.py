"""The checklist, and what it comes to."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from . import _looking, _standing
from ._facts import Facts
from ._findings import Finding, State


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist."""

    id: str
    item: str
    """The line of the guide's migration checklist that it belongs to."""
    weight: int
    look: Callable[[Facts], Finding]


CHECKS: Final = (
    Check("dependencies", "Update dependency declarations", 2, _looking.dependencies),
    Check("logging", "Replace logging with core-logging", 2, _looking.logging),
    Check("configuration", "Replace configuration with core-config", 2, _looking.configuration),
    Check("framework", "Replace API framework with core-api", 3, _looking.framework),
    Check("errors", "Add standardized error handling", 3, _looking.errors),
    Check("metrics", "Add monitoring and metrics", 2, _looking.metrics),
    Check("health", "Add monitoring and metrics", 2, _looking.health),
    Check("tracing", "Add monitoring and metrics", 1, _looking.tracing),
    Check("tests", "Update tests to use shared test utilities", 2, _standing.tests),
    Check("ownership", "Update documentation", 1, _standing.ownership),
    Check("documentation", "Update documentation", 1, _standing.documentation),
    Check("openapi", "Update documentation", 1, _standing.openapi),
    Check("performance", "Performance testing", 1, _standing.performance),
    Check("production", "Production deployment", 1, _standing.production),
)
"""The guide's migration checklist."""
ATTESTABLE: Final = ("performance", "tests")
"""The checks that somebody can vouch for."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a service stands on one line."""

    check: str
    item: str
    weight: int
    state: State
    evidence: str
    remedy: str | None


@dataclass(frozen=True, slots=True)
class Scorecard:
    """How a service stood at a moment."""

    service: str
    taken_at: datetime
    results: tuple[Result, ...]

    @property
    def score(self) -> int:
        """How much of the checklist is done, by weight: 0 to 100, rounded down so that 100 means all of it."""
        total = sum(result.weight for result in self.results)
        done = sum(result.weight for result in self.results if result.state is State.PASSED)
        return 100 * done // total if total else 0

    def count(self, state: State) -> int:
        """Count lines.

        Args:
            state: How they stand.
        """
        return sum(result.state is state for result in self.results)


def assess(facts: Facts) -> Scorecard:
    """Go through the checklist.

    Args:
        facts: What was seen of a service.

    Returns:
        How it stands.
    """
    results = []
    for check in CHECKS:
        finding = check.look(facts)
        results.append(Result(check.id, check.item, check.weight, finding.state, finding.evidence, finding.remedy))
    return Scorecard(facts.service, facts.seen_at, tuple(results))
