"""Durable workflows in plain asyncio, and the Open Workflow DSL (`maestro_workflow_engine.dsl`)."""

from maestro_workflow_engine._attributes import AttributeValue
from maestro_workflow_engine._blocked import BlockedInfo
from maestro_workflow_engine._child import ChildHandle, cancel_run, run_child, signal_run, start_child
from maestro_workflow_engine._cloud_events import CloudEventError, cloud_event
from maestro_workflow_engine._conditions import between, one_of, prefix
from maestro_workflow_engine._definitions import StepDefinition, WorkflowDefinition, step, workflow
from maestro_workflow_engine._engine import WorkflowEngine
from maestro_workflow_engine._errors import (
    ClusterUnreachableError,
    EngineClosedError,
    HistoryFormatError,
    HistoryPurgedError,
    JournalCorruptError,
    JournalError,
    JournalLockedError,
    JournalVersionError,
    JournalWriteError,
    NonDeterminismError,
    NonRetryableError,
    PayloadError,
    QueryNotFoundError,
    RetryAfterError,
    SearchAttributeError,
    StandstillError,
    StepFailedError,
    StepHeartbeatTimeoutError,
    StepNotFoundError,
    StepTimeoutError,
    StepTotalTimeoutError,
    UnsupportedByRunnerError,
    UpdateFailedError,
    UpdateRejectedError,
    WorkflowCancelledError,
    WorkflowConflictError,
    WorkflowContextError,
    WorkflowDefinitionError,
    WorkflowEndedError,
    WorkflowError,
    WorkflowFailedError,
    WorkflowMovedError,
    WorkflowNotFoundError,
    WorkflowOpenError,
    WorkflowTerminatedError,
)
from maestro_workflow_engine._event_sink import EventSink, EventSinkError, HttpEventSink
from maestro_workflow_engine._failure import Failure
from maestro_workflow_engine._handle import WorkflowHandle
from maestro_workflow_engine._heartbeat import heartbeat, last_heartbeat
from maestro_workflow_engine._history_document import HistoryDocument, read_history
from maestro_workflow_engine._inside import (
    WorkflowInfo,
    continue_as_new,
    info,
    now,
    on_update,
    patched,
    publish,
    random,
    receive,
    set_attributes,
    uuid4,
)
from maestro_workflow_engine._parent_close import ParentClose
from maestro_workflow_engine._payload_codec import AesGcmCodec, PayloadCodec
from maestro_workflow_engine._payload_errors import (
    PayloadIntegrityError,
    PayloadKeyError,
    PayloadMissingError,
    PayloadStoreError,
    PayloadUnreadableError,
)
from maestro_workflow_engine._payload_store import PayloadStore
from maestro_workflow_engine._queue import Queue, QueueNotFoundError, Rate
from maestro_workflow_engine._queue_handle import QueueHandle
from maestro_workflow_engine._queue_keeper import QueueInfo
from maestro_workflow_engine._records import HistoryEvent, PausedWorkflow, RunDetail, RunInfo, RunPage, RunStatus
from maestro_workflow_engine._replay import ReplayResult, replay, replay_all
from maestro_workflow_engine._retention import PurgeReport, Retention
from maestro_workflow_engine._retry import RetryPolicy
from maestro_workflow_engine._run_filter import RunFilter, RunOrder
from maestro_workflow_engine._saga import Compensation, CompensationError, Saga
from maestro_workflow_engine._schedule_handle import ScheduleHandle
from maestro_workflow_engine._schedule_keeper import ScheduleNotFoundError
from maestro_workflow_engine._schedule_records import ScheduledRun, ScheduleInfo
from maestro_workflow_engine._schedule_spec import CronSpec, IntervalSpec, Overlap, ScheduleSpecError
from maestro_workflow_engine._start_options import (
    Conflict,
    Debounce,
    Reuse,
    RunExistsError,
    Singleton,
    SingletonPolicy,
    StartOptions,
    StartOptionsError,
)
from maestro_workflow_engine._step_info import StepInfo, step_info
from maestro_workflow_engine._testing import TimeSkippingEngine
from maestro_workflow_engine._time import VirtualTime
from maestro_workflow_engine.embedded._compacting import CompactReport, compact_journal
from maestro_workflow_engine.embedded._orphans import orphaned_payloads
from maestro_workflow_engine.machine._pending import Wait
from maestro_workflow_engine.rescue._report import JournalLoss, JournalReport
from maestro_workflow_engine.rescue._rescue import JournalRescue, check_journal, rescue_journal

__all__ = [
    "AesGcmCodec",
    "AttributeValue",
    "BlockedInfo",
    "ChildHandle",
    "CloudEventError",
    "ClusterUnreachableError",
    "CompactReport",
    "Compensation",
    "CompensationError",
    "Conflict",
    "CronSpec",
    "Debounce",
    "EngineClosedError",
    "EventSink",
    "EventSinkError",
    "Failure",
    "HistoryDocument",
    "HistoryEvent",
    "HistoryFormatError",
    "HistoryPurgedError",
    "HttpEventSink",
    "IntervalSpec",
    "JournalCorruptError",
    "JournalError",
    "JournalLockedError",
    "JournalLoss",
    "JournalReport",
    "JournalRescue",
    "JournalVersionError",
    "JournalWriteError",
    "NonDeterminismError",
    "NonRetryableError",
    "Overlap",
    "ParentClose",
    "PausedWorkflow",
    "PayloadCodec",
    "PayloadError",
    "PayloadIntegrityError",
    "PayloadKeyError",
    "PayloadMissingError",
    "PayloadStore",
    "PayloadStoreError",
    "PayloadUnreadableError",
    "PurgeReport",
    "QueryNotFoundError",
    "Queue",
    "QueueHandle",
    "QueueInfo",
    "QueueNotFoundError",
    "Rate",
    "ReplayResult",
    "Retention",
    "RetryAfterError",
    "RetryPolicy",
    "Reuse",
    "RunDetail",
    "RunExistsError",
    "RunFilter",
    "RunInfo",
    "RunOrder",
    "RunPage",
    "RunStatus",
    "Saga",
    "ScheduleHandle",
    "ScheduleInfo",
    "ScheduleNotFoundError",
    "ScheduleSpecError",
    "ScheduledRun",
    "SearchAttributeError",
    "Singleton",
    "SingletonPolicy",
    "StandstillError",
    "StartOptions",
    "StartOptionsError",
    "StepDefinition",
    "StepFailedError",
    "StepHeartbeatTimeoutError",
    "StepInfo",
    "StepNotFoundError",
    "StepTimeoutError",
    "StepTotalTimeoutError",
    "TimeSkippingEngine",
    "UnsupportedByRunnerError",
    "UpdateFailedError",
    "UpdateRejectedError",
    "VirtualTime",
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
    "WorkflowMovedError",
    "WorkflowNotFoundError",
    "WorkflowOpenError",
    "WorkflowTerminatedError",
    "between",
    "cancel_run",
    "check_journal",
    "cloud_event",
    "compact_journal",
    "continue_as_new",
    "heartbeat",
    "info",
    "last_heartbeat",
    "now",
    "on_update",
    "one_of",
    "orphaned_payloads",
    "patched",
    "prefix",
    "publish",
    "random",
    "read_history",
    "receive",
    "replay",
    "replay_all",
    "rescue_journal",
    "run_child",
    "set_attributes",
    "signal_run",
    "start_child",
    "step",
    "step_info",
    "uuid4",
    "workflow",
]
