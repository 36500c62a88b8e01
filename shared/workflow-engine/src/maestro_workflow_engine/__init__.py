"""Durable workflows in plain asyncio, and the Open Workflow DSL (`maestro_workflow_engine.dsl`)."""

from maestro_workflow_engine._definitions import StepDefinition, WorkflowDefinition, step, workflow
from maestro_workflow_engine._engine import WorkflowEngine
from maestro_workflow_engine._errors import (
    EngineClosedError,
    HistoryFormatError,
    JournalCorruptError,
    JournalError,
    JournalLockedError,
    JournalVersionError,
    JournalWriteError,
    NonDeterminismError,
    PayloadError,
    QueryNotFoundError,
    StepFailedError,
    StepTimeoutError,
    WorkflowCancelledError,
    WorkflowConflictError,
    WorkflowContextError,
    WorkflowDefinitionError,
    WorkflowEndedError,
    WorkflowError,
    WorkflowFailedError,
    WorkflowNotFoundError,
)
from maestro_workflow_engine._failure import Failure
from maestro_workflow_engine._handle import WorkflowHandle
from maestro_workflow_engine._history_document import HistoryDocument, read_history
from maestro_workflow_engine._inside import (
    WorkflowInfo,
    continue_as_new,
    info,
    now,
    patched,
    publish,
    random,
    receive,
    run_child,
    uuid4,
)
from maestro_workflow_engine._records import HistoryEvent, RunDetail, RunInfo, RunPage, RunStatus
from maestro_workflow_engine._replay import ReplayResult, replay, replay_all
from maestro_workflow_engine._retry import RetryPolicy
from maestro_workflow_engine._step_info import StepInfo, step_info
from maestro_workflow_engine.machine._pending import Wait
from maestro_workflow_engine.rescue._report import JournalLoss, JournalReport
from maestro_workflow_engine.rescue._rescue import JournalRescue, check_journal, rescue_journal

__all__ = [
    "EngineClosedError",
    "Failure",
    "HistoryDocument",
    "HistoryEvent",
    "HistoryFormatError",
    "JournalCorruptError",
    "JournalError",
    "JournalLockedError",
    "JournalLoss",
    "JournalReport",
    "JournalRescue",
    "JournalVersionError",
    "JournalWriteError",
    "NonDeterminismError",
    "PayloadError",
    "QueryNotFoundError",
    "ReplayResult",
    "RetryPolicy",
    "RunDetail",
    "RunInfo",
    "RunPage",
    "RunStatus",
    "StepDefinition",
    "StepFailedError",
    "StepInfo",
    "StepTimeoutError",
    "Wait",
    "WorkflowCancelledError",
    "WorkflowConflictError",
    "WorkflowContextError",
    "WorkflowDefinition",
    "WorkflowDefinitionError",
    "WorkflowEndedError",
    "WorkflowEngine",
    "WorkflowError",
    "WorkflowFailedError",
    "WorkflowHandle",
    "WorkflowInfo",
    "WorkflowNotFoundError",
    "check_journal",
    "continue_as_new",
    "info",
    "now",
    "patched",
    "publish",
    "random",
    "read_history",
    "receive",
    "replay",
    "replay_all",
    "rescue_journal",
    "run_child",
    "step",
    "step_info",
    "uuid4",
    "workflow",
]
