"""Replaying histories on the workflows of a module."""

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from maestro_workflow_engine import (
    HistoryFormatError,
    NonDeterminismError,
    ReplayResult,
    WorkflowDefinition,
    WorkflowError,
    read_history,
    replay,
)

from ._errors import InputError, ReplayFailedError

Workflows = Mapping[tuple[str, str] | None, WorkflowDefinition[..., Any]]
"""Workflows by name and version; under None the one that all histories are replayed on."""


@contextmanager
def modules_here() -> Iterator[None]:
    """Find modules in the current folder, too, in the block: those of workflows and of the exceptions in histories."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)


def load_workflows(reference: str) -> Workflows:
    """Import the workflows of a module.

    Args:
        reference: `module`, or `module:workflow` for one workflow whatever a history names.

    Returns:
        The workflows.

    Raises:
        InputError: The module cannot be imported, or has no such workflow.
    """
    name, _, attribute = reference.partition(":")
    try:
        module = importlib.import_module(name)
    except Exception as error:  # whatever a module raises is a fault of the module
        raise InputError(f"cannot import {name}: {type(error).__name__}: {error}") from error
    found = {key: value for key, value in vars(module).items() if isinstance(value, WorkflowDefinition)}
    if attribute:
        if attribute not in found:
            raise InputError(f"{name} has no workflow {attribute!r}; it has: {', '.join(sorted(found)) or 'none'}")
        return {None: found[attribute]}
    if not found:
        raise InputError(f"{name} declares no workflow at its top level")
    return {(one.name, one.version): one for one in found.values()}


def replay_histories(paths: Sequence[Path], workflows: Workflows) -> None:
    """Replay histories and tell of each on standard output.

    Args:
        paths: The files.
        workflows: What they are replayed on.

    Raises:
        InputError: A file cannot be read, or names a workflow that is not there.
        ReplayFailedError: Histories do not fit.
    """
    misfits = 0
    for path in paths:
        try:
            result = _replayed(path, workflows)
        except NonDeterminismError as error:
            misfits += 1
            click.echo(
                f"{path}: run {error.run_id} does not fit at position {error.position}: "
                f"its history has {error.expected}, the code asked for {error.found}"
            )
        except WorkflowError as error:
            raise InputError(str(error)) from error
        else:
            click.echo(f"{path}: run {result.run_id} fits: {result.events} events, {result.status}")
    if misfits:
        raise ReplayFailedError(misfits, len(paths))


def _replayed(path: Path, workflows: Workflows) -> ReplayResult:
    only = workflows.get(None)
    if only is not None:
        return replay(path, only)
    document = read_history(path)
    workflow = workflows.get((document.workflow or "", document.version or ""))
    if workflow is None:
        known = ", ".join(f"{one.name}:{one.version}" for one in workflows.values())
        raise HistoryFormatError(f"{path} is of workflow {document.workflow}:{document.version}; there are: {known}")
    return replay(path, workflow)
