from __future__ import annotations

import pytest

from maestro_workflow_engine import (
    RetryPolicy,
    WorkflowDefinitionError,
    WorkflowEngine,
    step,
    workflow,
)


def test_what_cannot_be_a_workflow_or_step_is_refused_where_it_is_declared():
    """Declaration errors come at import, not at run time."""
    with pytest.raises(WorkflowDefinitionError, match="async def"):

        @workflow  # type: ignore[type-var]
        def plain() -> None: ...

    with pytest.raises(WorkflowDefinitionError, match="names each of its parameters"):

        @step
        async def variadic(*items: str) -> None: ...

    with pytest.raises(WorkflowDefinitionError, match="no workflow name"):

        @workflow(name="has space")
        async def named() -> None: ...

    with pytest.raises(WorkflowDefinitionError, match="names no runner"):
        WorkflowEngine("postgres://somewhere/db")
    with pytest.raises(ValueError, match="max_attempts"):
        RetryPolicy(max_attempts=-1)
