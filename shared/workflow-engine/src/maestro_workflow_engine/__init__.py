"""Durable workflows in plain asyncio, and the Open Workflow DSL (`maestro_workflow_engine.dsl`)."""

from maestro_workflow_engine._definitions import StepDefinition, WorkflowDefinition, step, workflow
from maestro_workflow_engine._engine import WorkflowEngine
from maestro_workflow_engine._errors import (
    EngineClosedError,
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
from maestro_workflow_engine._payload_codec import AesGcmCodec, PayloadCodec
from maestro_workflow_engine._payload_errors import (
    PayloadIntegrityError,
    PayloadKeyError,
    PayloadMissingError,
    PayloadStoreError,
    PayloadUnreadableError,
)
from maestro_workflow_engine._payload_store import PayloadStore
from maestro_workflow_engine._records import HistoryEvent, RunDetail, RunInfo, RunPage, RunStatus
from maestro_workflow_engine._retry import RetryPolicy
from maestro_workflow_engine._step_info import StepInfo, step_info
from maestro_workflow_engine.machine._pending import Wait

__all__ = [
    "AesGcmCodec",
    "EngineClosedError",
    "Failure",
    "HistoryEvent",
    "JournalCorruptError",
    "JournalError",
    "JournalLockedError",
    "JournalVersionError",
    "JournalWriteError",
    "NonDeterminismError",
    "PayloadCodec",
    "PayloadError",
    "PayloadIntegrityError",
    "PayloadKeyError",
    "PayloadMissingError",
    "PayloadStore",
    "PayloadStoreError",
    "PayloadUnreadableError",
    "QueryNotFoundError",
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
    "continue_as_new",
    "info",
    "now",
    "patched",
    "publish",
    "random",
    "receive",
    "run_child",
    "step",
    "step_info",
    "uuid4",
    "workflow",
]
