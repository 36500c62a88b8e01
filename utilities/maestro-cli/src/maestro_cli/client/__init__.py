"""Calls to the orchestrator, in the words of the command line."""

from ._governance import GovernanceClient, open_governance
from ._many_runs import RunCriteria
from ._opening import OrchestratorClient, answer_error, open_orchestrator, orchestrator_url
from ._runs import JSON, UpdateUnanswered

__all__ = [
    "JSON",
    "GovernanceClient",
    "OrchestratorClient",
    "RunCriteria",
    "UpdateUnanswered",
    "answer_error",
    "open_governance",
    "open_orchestrator",
    "orchestrator_url",
]
