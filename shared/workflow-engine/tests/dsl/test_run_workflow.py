"""`run: workflow` where there is nobody to run it. `conformance/test_document_children.py` has the rest, on both runners."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from maestro_workflow_engine import WorkflowEngine, WorkflowFailedError


async def test_a_workflow_that_is_not_there_is_an_error_of_the_configuration(load: Callable[..., Any]) -> None:
    """A name or version that nobody registered is the standard error "configuration", and says what is registered."""
    document = load("do: [{a: {run: {workflow: {namespace: test, name: nobody, version: 1.0.0}}}}]")
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow()]) as engine:
        with pytest.raises(WorkflowFailedError) as caught:
            await (await engine.start(document.qualified_name)).result(timedelta(seconds=40))
    assert caught.value.failure.args is not None
    error = caught.value.failure.args[0]
    assert error["type"].endswith("/configuration")
    assert "'test/nobody' is not registered" in error["detail"]


def test_outside_an_engine_it_is_an_error(simulate: Callable[..., Any]) -> None:
    """Without an engine there is nobody to run the child; the error says so."""
    result = simulate("do: [{a: {run: {workflow: {namespace: test, name: child, version: 1.0.0}}}}]")
    assert result.error.error.type.endswith("/configuration")
