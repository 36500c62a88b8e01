import maestro_workflow_engine


def test_public_names_are_pinned():
    """What users import changes only on purpose."""
    assert maestro_workflow_engine.__all__ == sorted(maestro_workflow_engine.__all__)
    assert set(maestro_workflow_engine.__all__) == {
        "BlockedInfo",
        "AesGcmCodec", "CompactReport", "compact_journal", "orphaned_payloads", "PayloadCodec", "PayloadIntegrityError", "PayloadKeyError", "PayloadMissingError", "PayloadStore",
        "PayloadStoreError", "PayloadUnreadableError", "HistoryPurgedError", "PurgeReport", "Retention", "WorkflowOpenError",
        "Conflict", "Debounce", "Queue", "QueueHandle", "QueueInfo", "QueueNotFoundError", "Rate", "Reuse", "RunExistsError", "Singleton",
        "SingletonPolicy", "StartOptions", "StartOptionsError",
        "EngineClosedError", "Failure", "HistoryEvent", "HistoryDocument", "HistoryFormatError", "JournalLoss", "JournalReport", "JournalRescue", "ReplayResult",
        "check_journal", "read_history", "replay", "replay_all", "rescue_journal", "JournalCorruptError", "JournalError", "JournalLockedError",
        "AttributeValue", "PausedWorkflow", "RunFilter", "RunOrder", "SearchAttributeError", "between", "one_of", "prefix", "set_attributes",
        "CronSpec", "IntervalSpec", "Overlap", "ScheduleHandle", "ScheduleInfo", "ScheduleNotFoundError", "ScheduleSpecError", "ScheduledRun",
        "JournalVersionError", "JournalWriteError", "NonDeterminismError", "PayloadError", "QueryNotFoundError",
        "RetryPolicy", "RunDetail", "RunInfo", "RunPage", "RunStatus", "StandstillError", "StepDefinition", "StepFailedError", "StepInfo", "StepNotFoundError",
        "StepTimeoutError", "TimeSkippingEngine", "UpdateFailedError", "UpdateRejectedError", "VirtualTime", "Wait", "WorkflowCancelledError", "WorkflowConflictError", "WorkflowContextError",
        "WorkflowDefinition", "WorkflowDefinitionError", "WorkflowEndedError", "WorkflowEngine", "WorkflowError",
        "ClusterUnreachableError", "UnsupportedByRunnerError", "WorkflowFailedError", "WorkflowHandle", "WorkflowInfo", "WorkflowMovedError", "WorkflowNotFoundError", "WorkflowTerminatedError", "continue_as_new", "info", "now", "on_update",
        "CloudEventError", "cloud_event", "EventSink", "EventSinkError", "HttpEventSink",
        "ChildHandle", "Compensation", "CompensationError", "NonRetryableError", "ParentClose", "RetryAfterError", "Saga",
        "StepHeartbeatTimeoutError", "StepTotalTimeoutError", "cancel_run", "heartbeat", "last_heartbeat", "signal_run", "start_child",
        "patched", "publish", "random", "receive", "run_child", "step", "step_info", "uuid4", "workflow",
    }  # fmt: skip
    for name in maestro_workflow_engine.__all__:
        assert hasattr(maestro_workflow_engine, name)


def test_error_codes_are_stable_and_unique():
    """Programs match errors by code, so each class has its own."""
    errors = [
        getattr(maestro_workflow_engine, name) for name in maestro_workflow_engine.__all__ if name.endswith("Error")
    ]
    assert len({error.code for error in errors}) == len(errors)
    assert all(issubclass(error, maestro_workflow_engine.WorkflowError) for error in errors)
