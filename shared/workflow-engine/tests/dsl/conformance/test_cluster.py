"""The specification's scenarios on a Temporal cluster."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest
from dsl_features import UNSUPPORTED, Observed, answer, read_scenario
from dsl_running import outcome_on, recorded_tasks

from maestro_workflow_engine import ClusterUnreachableError, WorkflowEngine
from maestro_workflow_engine.dsl import TaskError


@pytest.fixture(scope="module")
def cluster_url(temporal_namespaces: Iterator[str]) -> str:
    """The URL of a namespace for the scenarios."""
    return next(temporal_namespaces)


async def test_scenarios_pass_on_a_cluster(cluster_url: str, scenario: str) -> None:
    """Every scenario passes unchanged on the Temporal runner."""
    if scenario.strip().splitlines()[0] in UNSUPPORTED:
        return  # `test_conformance_features` checks that it is refused
    definition, payload, checks = read_scenario(scenario)
    while True:  # a new namespace is known to the server's parts one after the other
        try:
            async with WorkflowEngine(cluster_url, workflows=[]):
                break
        except ClusterUnreachableError:
            await asyncio.sleep(0.1)
    with recorded_tasks([]) as order:
        found = await outcome_on(cluster_url, definition, payload, answer, str(uuid.uuid4()))
    error = TaskError(found["error"]) if "error" in found else None
    observed = Observed(order, found.get("output"), error)
    for step, block in checks:
        observed.check(step, block)
