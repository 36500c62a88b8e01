"""A server that services stand on: what it takes to start one beside them."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LocalServer:
    """How a server of the environment is started, watched and found."""

    name: str
    """Its name in the environment, for example `nats`."""
    command: tuple[str, ...]
    """The words that start it, the first an absolute path."""
    environ: Mapping[str, str]
    """The environment of its process, complete."""
    port: int
    """Where it takes the calls that it is there for."""
    url: str
    """Where it is, as shown to a person: without secrets."""
    ready_url: str
    """What answers with 2xx as soon as it can be used; `postgresql://host:port` for a server that is asked in its own protocol."""
    folder: Path
    """Its part of the environment's data; made when it is not there."""
    files: Mapping[Path, str] = field(default_factory=dict)
    """What it reads when it starts: path → text. Written for the owner's eyes only. Default: nothing."""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What every service is told of it. Default: nothing."""
    stop_signal: signal.Signals = signal.SIGTERM
    """What asks it to end in good order. Default: SIGTERM."""
