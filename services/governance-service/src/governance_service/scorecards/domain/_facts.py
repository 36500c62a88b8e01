"""What is known of a service, as it was seen from outside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

JSON = Any
"""Any JSON value."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address of a service answered."""

    status: int
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By name, in lower case."""
    body: JSON = None
    """The JSON that came; None when it was none."""

    @property
    def is_problem(self) -> bool:
        """Whether it is a problem document with everything that belongs into one."""
        wanted = {"type", "title", "status", "error_code", "trace_id"}
        return (
            self.content_type.startswith("application/problem+json")
            and isinstance(self.body, Mapping)
            and wanted <= self.body.keys()
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a metric."""

    name: str
    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """What `/metrics` shows."""

    families: frozenset[str] = frozenset()
    """Names of the metrics that are declared, whether they have values or not."""
    samples: tuple[Sample, ...] = ()

    def sum(self, name: str, **labels: str) -> float:
        """Add up samples.

        Args:
            name: Their name.
            **labels: Labels that they must have.
        """
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == name and all(sample.labels.get(label) == value for label, value in labels.items())
        )


@dataclass(frozen=True, slots=True)
class Attestation:
    """What somebody vouches for, that cannot be seen from outside: a test run, a load test."""

    check: str
    """Id of the check that it is for."""
    passed: bool
    evidence: str
    """What was found, for a person."""
    by: str
    at: datetime
    expires_at: datetime
    url: str | None = None
    """Where the report is."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A service as it was seen. What could not be asked is None."""

    service: str
    seen_at: datetime
    instances: int = 0
    """How many are live."""
    versions: tuple[str, ...] = ()
    """The versions that they say."""
    catalog: Mapping[str, JSON] | None = None
    """Its entry in the catalog."""
    unreachable: str | None = None
    """Why no instance could be asked; None when one could."""
    live: Answer | None = None
    ready: Answer | None = None
    metrics: Metrics | None = None
    missing: Answer | None = None
    """The answer to an address that there is not, asked with a token."""
    anonymous: Answer | None = None
    """The same, asked without one."""
    openapi: Answer | None = None
    ops_info: Answer | None = None
    ops_config: Answer | None = None
    ops_loggers: Answer | None = None
    attestations: Mapping[str, Attestation] = field(default_factory=dict)
    """By check."""

    def catalogued(self, name: str) -> JSON:
        """Return a member of the catalog entry, or None.

        Args:
            name: Its name.
        """
        return None if self.catalog is None else self.catalog.get(name)
