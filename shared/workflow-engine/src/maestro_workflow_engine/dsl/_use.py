"""`use`: what a document defines once and refers to by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from maestro_workflow_engine.dsl._authentication import Authentication, parse_policy
from maestro_workflow_engine.dsl._durations import Duration, parse_timeout
from maestro_workflow_engine.dsl._expressions import IN_TASK, WORKFLOW_OUTPUT
from maestro_workflow_engine.dsl._faults import suggest
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._problem import Problem, parse_problem
from maestro_workflow_engine.dsl._retry_policy import RetryPolicy, parse_retry

T = TypeVar("T")

_UNSUPPORTED = {
    "catalogs": "catalogs",
    "extensions": "extensions",
    "functions": "functions defined in the document",
    "secrets": "secrets",
}


@dataclass(frozen=True)
class Use:
    """The reusable components of a document. Looking one up by an unknown name is noted as a fault."""

    authentications: Mapping[str, Authentication | None] = field(default_factory=dict)
    errors: Mapping[str, Problem] = field(default_factory=dict)
    retries: Mapping[str, RetryPolicy] = field(default_factory=dict)
    timeouts: Mapping[str, Duration | None] = field(default_factory=dict)

    def authentication(self, node: Node) -> Authentication | None:
        """Look up the authentication named by a node; None after a fault."""
        return self._known(node, self.authentications, "authentication", "authentications")

    def error(self, node: Node) -> Problem | None:
        """Look up the error named by a node; None after a fault."""
        return self._known(node, self.errors, "error", "errors")

    def retry(self, node: Node) -> RetryPolicy | None:
        """Look up the retry policy named by a node; None after a fault."""
        return self._known(node, self.retries, "retry policy", "retries")

    def timeout(self, node: Node) -> Duration | None:
        """Look up the timeout named by a node; None after a fault."""
        return self._known(node, self.timeouts, "timeout", "timeouts")

    @staticmethod
    def _known(node: Node, known: Mapping[str, T], what: str, where: str) -> T | None:
        name = node.text()
        if name and name not in known:
            node.fault(f"no {what} named {name!r} under /use/{where}", suggest(name, known))
        return known.get(name)


def parse_use(node: Node) -> Use:
    """Read `use`.

    Args:
        node: The field.

    Returns:
        The components that tasks may refer to.
    """
    known = ("authentications", "errors", "retries", "timeouts", *_UNSUPPORTED)
    fields = node.fields(known, what="'use'")
    for key, what in _UNSUPPORTED.items():
        if key in fields:
            fields[key].unsupported(what)
    # A component may be used anywhere, so its expressions see what every task definition sees and no loop variable.
    return Use(
        authentications={name: parse_policy(item, IN_TASK) for name, item in _entries(fields, "authentications")},
        errors={name: parse_problem(item, IN_TASK) for name, item in _entries(fields, "errors")},
        retries={name: parse_retry(item, IN_TASK | {"error"}) for name, item in _entries(fields, "retries")},
        timeouts={name: parse_timeout(item, WORKFLOW_OUTPUT) for name, item in _entries(fields, "timeouts")},
    )


def _entries(fields: Mapping[str, Node], key: str) -> Iterator[tuple[str, Node]]:
    return fields[key].entries() if key in fields else iter(())
