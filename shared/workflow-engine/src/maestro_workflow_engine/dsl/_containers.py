"""Containers, by the command line that docker, podman and nerdctl share."""

from __future__ import annotations

import asyncio
import re
import subprocess
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from maestro_workflow_engine.dsl._process_options import ProcessOptions
from maestro_workflow_engine.dsl._process_request import ContainerRequest, ProcessRequest
from maestro_workflow_engine.dsl._scripts import NoProgramError, program

_RUNTIMES = ("docker", "podman", "nerdctl")
_PULL = {"ifNotPresent": "missing", "always": "always", "never": "never"}
_LABEL = "maestro.remove-at"
"""On a container: the last moment, in seconds of the epoch, at which it may be there."""
_PATIENCE_S = 60
"""How long the runtime may take to list or remove containers, in seconds."""
_NO_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
FAILED = 125
"""The code with which these commands say that they, and not the container, failed."""


@dataclass(frozen=True)
class Container:
    """One run of an image."""

    runtime: Path
    request: ProcessRequest
    name: str
    time_limit: timedelta

    @classmethod
    def of(cls, request: ProcessRequest, options: ProcessOptions) -> Container:
        """Make up a container; nothing is started.

        Args:
            request: What to run; its `container` is set.
            options: Where to find the runtime.

        Raises:
            NoProgramError: There is no container runtime.
        """
        runtime = options.container_runtime or program(_RUNTIMES, options)
        if runtime is None:
            raise NoProgramError(f"containers need one of {', '.join(_RUNTIMES)} on the path, and there is none")
        wanted = _asked(request).name.replace("{uuid}", str(uuid.uuid4()))
        return cls(runtime, request, _NO_NAME.sub("-", wanted).lstrip("-._"), options.time_limit)

    def command(self) -> list[str]:
        """Return the command that runs it: a `command` by the image's shell, with the arguments as `$1` and so on."""
        asked = _asked(self.request)
        line = [str(self.runtime), "run", "--interactive", f"--name={self.name}", f"--pull={_PULL[asked.pull]}"]
        if asked.cleanup == "always":
            line.append("--rm")
        if asked.cleanup_after_s is not None:
            line.append(
                f"--label={_LABEL}={int(time.time() + self.time_limit.total_seconds() + asked.cleanup_after_s)}"
            )
        line += [f"--publish={host}:{inside}" for host, inside in asked.ports.items()]
        line += [f"--volume={host}:{inside}" for host, inside in asked.volumes.items()]
        # By name: the value is read from the command's own environment, so that it is not in the list of processes.
        line += [f"--env={name}" for name in self.request.environment]
        line.append(asked.image)
        if self.request.code is not None:
            line += ["sh", "-c", self.request.code, "sh"]
        return [*line, *self.request.arguments]

    async def remove(self) -> None:
        """Remove it, running or not; one that is not there is fine."""
        await _quietly(self.runtime, "rm", "--force", self.name)


async def _quietly(runtime: Path, *arguments: str) -> str:
    """Run a short command and return what it writes; nothing when it fails. It runs to its end, whoever stops waiting."""
    try:
        done = await asyncio.to_thread(
            subprocess.run,
            [str(runtime), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")


async def remove_expired(runtime: Path) -> None:
    """Remove the containers whose last moment has passed: what an earlier process of this host could not remove any more."""
    listed = await _quietly(runtime, "ps", "--all", "--quiet", f"--filter=label={_LABEL}")
    if not listed.split():
        return
    shape = f'{{{{.Id}}}} {{{{index .Config.Labels "{_LABEL}"}}}}'
    for line in (await _quietly(runtime, "inspect", f"--format={shape}", *listed.split())).splitlines():
        ident, _, moment = line.partition(" ")
        if moment.isdigit() and int(moment) <= time.time():
            await _quietly(runtime, "rm", "--force", ident)


def _asked(request: ProcessRequest) -> ContainerRequest:
    assert request.container is not None  # the kind says so
    return request.container
