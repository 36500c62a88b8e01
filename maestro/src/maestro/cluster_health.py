"""Whether runs can be accepted on a Temporal cluster: it answers, and has not turned this worker away."""

from __future__ import annotations

from maestro_core_monitoring import HealthCheckError
from maestro_workflow_engine import WorkflowEngine, WorkflowError


class ClusterHealth:
    """A readiness check.

    Args:
        engine: The engine.
    """

    def __init__(self, engine: WorkflowEngine) -> None:
        self._engine = engine

    async def check(self) -> None:
        """Pass when a run could be accepted now.

        Raises:
            HealthCheckError: It could not; the message says why.
        """
        try:
            await self._engine.check()
        except WorkflowError as error:
            raise HealthCheckError(str(error)) from error
