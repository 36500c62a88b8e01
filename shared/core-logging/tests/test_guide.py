"""The guide's blocks, as written; only missing imports and variables are added."""

# ruff: noqa: I001, G004
from typing import Any

from maestro_core_logging.testing import capture_logs


def test_orchestrator_block(lines: Any) -> None:
    """Section 1: the service's log is set up with its name alone."""
    from maestro_core_logging import get_logger, configure_logging

    class MaestroOrchestrator:
        def __init__(self):  # type: ignore[no-untyped-def]  # the guide's own line
            # Configure logging
            configure_logging(service_name="maestro-orchestrator")
            self.logger = get_logger(__name__)

    with capture_logs() as captured:
        MaestroOrchestrator().logger.info("Ready")  # type: ignore[no-untyped-call]
    assert (captured[0]["service"], captured[0]["logger"]) == ("maestro-orchestrator", __name__)


def test_command_line_block(capsys: Any) -> None:
    """Section 4: developer tools log for people, and a field may be called service."""
    from maestro_core_logging import configure_logging, get_logger

    def cli(verbose: bool) -> None:
        """MAESTRO CLI Tools"""  # noqa: D415 - the guide's own line
        configure_logging(
            service_name="maestro-cli",
            log_format="console",
            log_level="DEBUG" if verbose else "INFO"
        )  # fmt: skip

    def deploy(service_name: str) -> None:
        """Deploy a MAESTRO service"""  # noqa: D415 - the guide's own line
        logger = get_logger(__name__)
        logger.info("Deploying service", service=service_name)
        # Deployment logic

    cli(verbose=False)
    deploy("billing")
    out, err = capsys.readouterr()
    assert out == ""
    assert "Deploying service" in err
    assert "service=billing" in err
    with capture_logs() as captured:
        deploy("billing")
    assert captured[0]["service"] == "billing"


def test_logging_standards_block() -> None:
    """Fields of a structured line arrive as fields, and the bad way still gives a line."""
    from maestro_core_logging import get_logger

    logger = get_logger(__name__)
    user_id, action, duration = 123, "create_workflow", 1.5
    with capture_logs() as lines:
        # Good: Structured logging
        logger.info("User action completed",
                   user_id=123,
                   action="create_workflow",
                   duration=1.5)  # fmt: skip

        # Bad: String-based logging
        logger.info(f"User {user_id} completed action in {duration}s")  # noqa: MLG001 - the bad way
    assert (lines[0]["user_id"], lines[0]["action"], lines[0]["duration"]) == (user_id, action, duration)
    assert lines[1]["event"] == "User 123 completed action in 1.5s"


async def test_tracing_block() -> None:
    """A log line inside a span carries the workflow's id, and the span's where a provider is set up."""
    from maestro_core_logging import get_logger
    from opentelemetry import trace

    tracer = trace.get_tracer(__name__)
    logger = get_logger(__name__)

    @tracer.start_as_current_span("process_workflow")
    async def process_workflow(workflow_id: str):  # type: ignore[no-untyped-def]  # the guide's own line
        logger.info("Processing workflow", workflow_id=workflow_id)
        # Processing logic

    with capture_logs() as lines:
        await process_workflow("w-1")
    assert lines[0]["workflow_id"] == "w-1"
