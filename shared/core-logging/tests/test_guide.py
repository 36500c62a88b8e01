"""The guide's blocks, as written; only missing imports and variables are added."""

from maestro_core_logging.testing import capture_logs


def test_logging_standards_block():
    """Fields of a structured line arrive as fields."""
    from maestro_core_logging import get_logger

    logger = get_logger(__name__)
    with capture_logs() as lines:
        # Good: Structured logging
        logger.info("User action completed",
                   user_id=123,
                   action="create_workflow",
                   duration=1.5)  # fmt: skip
    assert (lines[0]["user_id"], lines[0]["action"], lines[0]["duration"]) == (123, "create_workflow", 1.5)


async def test_tracing_block():
    """A log line inside a span carries the workflow's id."""
    from opentelemetry import trace

    from maestro_core_logging import get_logger

    tracer = trace.get_tracer(__name__)
    logger = get_logger(__name__)

    @tracer.start_as_current_span("process_workflow")
    async def process_workflow(workflow_id: str):
        logger.info("Processing workflow", workflow_id=workflow_id)
        # Processing logic

    with capture_logs() as lines:
        await process_workflow("w-1")
    assert lines[0]["workflow_id"] == "w-1"
