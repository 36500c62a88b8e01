"""The door to the Temporal runner, whose library only those install who use it."""

from __future__ import annotations

from maestro_workflow_engine._errors import WorkflowDefinitionError
from maestro_workflow_engine._registry import WorkflowRegistry
from maestro_workflow_engine._runner import Runner, RunnerOptions


def temporal_runner(url: str, registry: WorkflowRegistry, options: RunnerOptions) -> Runner:
    """Make the runner that a `temporal://` URL names.

    Raises:
        WorkflowDefinitionError: The URL cannot be read, or the library is not installed.
    """
    try:
        from maestro_workflow_engine.temporal._address import parse  # noqa: PLC0415  an optional dependency
        from maestro_workflow_engine.temporal._runner import TemporalRunner  # noqa: PLC0415  an optional dependency
    except ImportError as error:
        msg = "temporal:// needs the Temporal SDK: pip install 'maestro-workflow-engine[temporal]'"
        raise WorkflowDefinitionError(msg) from error
    return TemporalRunner(parse(url), registry, options)
