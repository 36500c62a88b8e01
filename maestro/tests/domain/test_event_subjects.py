import pytest

from maestro.domain.event_subjects import subject_of
from maestro_core_messaging import Subscription

OWN = "maestro.maestro-orchestrator."


@pytest.mark.parametrize(
    ("event_type", "expected"),
    [
        ("io.serverlessworkflow.workflow.started.v1", "workflow.started"),
        ("io.serverlessworkflow.workflow.correlation-completed.v1", "workflow.correlation-completed"),
        ("io.serverlessworkflow.task.faulted.v1", "task.faulted"),
        ("io.serverlessworkflow.task.faulted.v2", "emitted.io.serverlessworkflow.task.faulted.v2"),
        ("maestro.maestro-orchestrator.order.ready", "order.ready"),
        (f"{OWN}audit.recorded", f"emitted.{OWN}audit.recorded"),
        (f"{OWN}workflow.completed", f"emitted.{OWN}workflow.completed"),
        (f"{OWN}task.faulted", f"emitted.{OWN}task.faulted"),
        (f"{OWN}auditing", "auditing"),
        ("maestro.maestro-orchestrator.", "emitted.maestro.maestro-orchestrator._"),
        ("maestro.governance-service.approval.decided", "emitted.maestro.governance-service.approval.decided"),
        ("order.ready", "emitted.order.ready"),
        ("Order ready!", "emitted.Order_ready_"),
        ("..", "emitted._._._"),
        ("*.>", "emitted._._"),
        ("ü", "emitted._"),
    ],
)
def test_each_type_has_its_subject(event_type: str, expected: str) -> None:
    """Lifecycle events and types of the orchestrator's own keep their names; all others are below `emitted`."""
    assert subject_of(event_type) == OWN + expected


@pytest.mark.parametrize("event_type", ["x" * 5_000, "a." * 3_000, "\u0000\r\n", f"{OWN}{'y' * 5_000}"])
def test_whatever_the_type_is_there_is_a_subject(event_type: str) -> None:
    """A subject has a bounded length and only characters that the server takes, without wildcards."""
    subject = subject_of(event_type)
    assert len(subject) <= 240
    assert subject.startswith(f"{OWN}emitted.")
    Subscription((subject,), durable="x", handler=print)  # type: ignore[arg-type]  # it is not called
