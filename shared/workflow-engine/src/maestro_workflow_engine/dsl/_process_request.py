"""What `run` asks a host for, and what comes of it: plain JSON, so that history shows both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from maestro_workflow_engine.dsl._late import Late


@dataclass(frozen=True)
class ContainerRequest:
    """What only containers have."""

    image: str
    name: str
    """The container's name; `{uuid}` in it is filled in by the host, once for each attempt."""
    ports: dict[str, str] = field(default_factory=dict)
    """Port of the host to port of the container."""
    volumes: dict[str, str] = field(default_factory=dict)
    """Folder (or named volume) of the host to folder of the container."""
    pull: str = "ifNotPresent"
    """`ifNotPresent`, `always` or `never`."""
    cleanup: str = "never"
    """`always`, `never` or `eventually`."""
    cleanup_after_s: float | None = None
    """How long after its end a container with `eventually` is removed, in seconds."""


@dataclass(frozen=True)
class ProcessRequest:
    """A process to run, every expression evaluated."""

    kind: str
    """`container`, `script` or `shell`."""
    language: str | None = None
    """Of a script: `js` or `python`."""
    code: str | None = None
    """The script's code, or the command for the shell; None for a container's own command."""
    arguments: list[str] = field(default_factory=list)
    variables: dict[str, Any] | None = None
    """Arguments of a script by name, which it sees as global variables."""
    stdin: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    container: ContainerRequest | None = None
    awaited: bool = True
    """Whether the process's end is waited for."""
    confidential: dict[str, Any] = field(default_factory=dict)
    """What of `environment` and `stdin` uses secrets: the step completes it, so that no secret is kept."""
    late: list[Late] = field(default_factory=list)
    """What is missing in it."""
    secrets: list[str] = field(default_factory=list)
    """The secrets that the document may read; none where nothing is missing."""


@dataclass(frozen=True)
class ProcessOutcome:
    """What came of a process. One that failed is data too: what that means is the document's decision."""

    code: int | None = None
    """The exit code; negative for the signal that ended it. None when it was not waited for, or did not end by itself."""
    stdout: str = ""
    stderr: str = ""
    error: str | None = None
    """The standard error that kept the process from running to its end, such as "timeout"; None when nothing did."""
    problem: str | None = None
    """What happened, when there is an error."""


def as_text(value: Any) -> str:
    """Return a value as a process gets it: text as it is, null as nothing, everything else as JSON."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def as_texts(values: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the values of a mapping as a process gets them; null leaves its name out."""
    return {str(name): as_text(value) for name, value in (values or {}).items() if value is not None}
