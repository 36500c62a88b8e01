"""`use`: what a document defines once and refers to by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from maestro_workflow_engine.dsl._authentication import Authentication, parse_policy
from maestro_workflow_engine.dsl._durations import Duration, parse_timeout
from maestro_workflow_engine.dsl._expressions import IN_TASK, SECRETS, WORKFLOW_OUTPUT
from maestro_workflow_engine.dsl._faults import suggest
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._problem import Problem, parse_problem
from maestro_workflow_engine.dsl._retry_policy import RetryPolicy, parse_retry
from maestro_workflow_engine.dsl._secrets import check_secrets

T = TypeVar("T")

_SECTIONS = (
    "authentications", "catalogs", "errors", "extensions", "functions", "retries", "secrets", "timeouts",
)  # fmt: skip


@dataclass(frozen=True)
class Use:
    """The reusable components of a document. Looking one up by an unknown name is noted as a fault."""

    authentications: Mapping[str, Authentication | None] = field(default_factory=dict)
    catalogs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The endpoint of each catalog's root."""
    errors: Mapping[str, Problem] = field(default_factory=dict)
    functions: Mapping[str, Node] = field(default_factory=dict)
    """Functions as they stand in the document; the parser makes tasks of them."""
    extensions: Node | None = None
    """Extensions as they stand in the document."""
    retries: Mapping[str, RetryPolicy] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    """The secrets that the document may read."""
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


NO_COMPONENTS = Use()


def parse_use(node: Node) -> Use:
    """Read `use`.

    Args:
        node: The field.

    Returns:
        The components that tasks may refer to.
    """
    fields = node.fields(_SECTIONS, what="'use'")
    secrets = tuple(item.text() for item in fields["secrets"].items()) if "secrets" in fields else ()
    if "authentications" in fields:
        check_secrets(fields["authentications"], secrets)
    policies = {
        name: parse_policy(item, IN_TASK | SECRETS, secrets) for name, item in _entries(fields, "authentications")
    }
    # A component may be used anywhere, so its expressions see what every task definition sees and no loop variable.
    return Use(
        authentications=policies,
        catalogs={
            name: _parse_catalog(item, Use(policies, secrets=secrets)) for name, item in _entries(fields, "catalogs")
        },
        extensions=fields.get("extensions"),
        functions=dict(_entries(fields, "functions")),
        secrets=secrets,
        errors={name: parse_problem(item, IN_TASK) for name, item in _entries(fields, "errors")},
        retries={name: parse_retry(item, IN_TASK | {"error"}) for name, item in _entries(fields, "retries")},
        timeouts={name: parse_timeout(item, WORKFLOW_OUTPUT) for name, item in _entries(fields, "timeouts")},
    )


def _parse_catalog(node: Node, use: Use) -> Mapping[str, Any]:
    from maestro_workflow_engine.dsl._endpoints import parse_endpoint  # noqa: PLC0415  endpoints look up what is under `use`

    fields = node.fields(("endpoint",), ("endpoint",), what="a catalog")
    return parse_endpoint(fields["endpoint"], IN_TASK | SECRETS, use) if "endpoint" in fields else {"uri": ""}


def _entries(fields: Mapping[str, Node], key: str) -> Iterator[tuple[str, Node]]:
    return fields[key].entries() if key in fields else iter(())
