"""The two ends of a move, opened."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from maestro_workflow_engine._engine import journal_path
from maestro_workflow_engine._errors import WorkflowDefinitionError
from maestro_workflow_engine._retention import Retention
from maestro_workflow_engine._runner import RunnerOptions
from maestro_workflow_engine.moving._errors import MoveError
from maestro_workflow_engine.moving._journal_target import JournalTarget
from maestro_workflow_engine.moving._move import Move
from maestro_workflow_engine.moving._source import JournalSource
from maestro_workflow_engine.moving._target import Target

_CLUSTER = "temporal:"


def source_path(move: Move) -> str:
    """Return the file that is moved from.

    Raises:
        MoveError: The source is none that can be moved from.
    """
    if move.source.startswith(_CLUSTER):
        raise MoveError(
            "runs cannot be moved away from a cluster: its workers would go on with them meanwhile. Take over single runs with"
            " export_history and import_run, and terminate them on the cluster"
        )
    path = journal_path(move.source)
    if not path:
        raise MoveError(f"{move.source!r} is a temporary journal: there is nothing in it to move")
    return path


@asynccontextmanager
async def opened(move: Move) -> AsyncIterator[tuple[JournalSource, Target]]:
    """Open both ends while the block runs.

    Yields:
        The journal, which nobody else has open, and the engine that takes over.

    Raises:
        MoveError: The two URLs make no move.
        JournalLockedError: An engine has a journal open; names the process.
        JournalError: A journal cannot be opened.
        ClusterUnreachableError: The cluster does not answer.
        WorkflowDefinitionError: A URL cannot be read, or the Temporal SDK is not installed.
    """
    with JournalSource.opened(source_path(move), move.payloads) as source:
        if move.target.startswith(_CLUSTER):
            try:
                from maestro_workflow_engine.moving._cluster import ClusterTarget  # noqa: PLC0415  an optional dependency
                from maestro_workflow_engine.temporal._address import parse  # noqa: PLC0415  likewise
            except ImportError as error:
                msg = "temporal:// needs the Temporal SDK: pip install 'maestro-workflow-engine[temporal]'"
                raise WorkflowDefinitionError(msg) from error
            address, options = parse(move.target), _options(move)
            async with ClusterTarget.opened(
                address, options, origin=source.id, without_limits=move.without_limits
            ) as cluster:
                yield source, cluster
        else:
            with JournalTarget.opened(_other_journal(move, source), source, move.payloads) as journal:
                yield source, journal


def _other_journal(move: Move, source: JournalSource) -> str:
    path = journal_path(move.target)
    if not path or Path(path).resolve() == Path(source.path).resolve():
        raise MoveError(f"{move.target!r} is no other journal, and no cluster")
    return path


def _options(move: Move) -> RunnerOptions:
    return RunnerOptions(
        max_concurrent=1,
        max_in_memory=1,
        queues=(),
        threads=max(8, os.cpu_count() or 1),
        payloads=move.payloads,
        block_warning=timedelta(seconds=1),
        retention=Retention(),
    )
