import subprocess
import sys

import maestro_core_messaging
import maestro_core_messaging.testing


def test_the_public_names() -> None:
    """What users may import."""
    assert maestro_core_messaging.__all__ == [
        "Broker",
        "BrokerClosedError",
        "BrokerRefusedError",
        "BrokerUnavailableError",
        "DeadLetter",
        "DeadLetterNotFoundError",
        "DeadLetters",
        "Event",
        "EventTooLargeError",
        "EventType",
        "Incompatibility",
        "IncompatibleEventError",
        "InvalidEventError",
        "InvalidSubscriptionError",
        "JetStreamUnavailableError",
        "MemoryProcessedEvents",
        "MessagingError",
        "MessagingSettings",
        "Once",
        "OutboxEntry",
        "OutboxRelay",
        "OutboxSource",
        "OutboxState",
        "ProcessedEvents",
        "Receipt",
        "RedeliveryPolicy",
        "RejectEventError",
        "RetryEventError",
        "Stored",
        "StreamsMissingError",
        "Subscription",
        "Subscriptions",
        "TransactionalProcessedEvents",
        "UnreadableEventError",
        "asyncapi_document",
        "incompatibilities",
        "new_event",
        "read_as",
        "read_event",
        "write_event",
    ]
    assert all(hasattr(maestro_core_messaging, name) for name in maestro_core_messaging.__all__)


def test_the_public_names_for_tests() -> None:
    """What tests may import."""
    assert maestro_core_messaging.testing.__all__ == ["MemoryServer", "NatsServer", "eventually", "nats_server_binary"]
    assert all(hasattr(maestro_core_messaging.testing, name) for name in maestro_core_messaging.testing.__all__)


def test_importing_loads_no_client() -> None:
    """FastStream and the client of NATS are loaded by whoever talks to NATS."""
    program = "import sys, maestro_core_messaging; print({'nats', 'faststream'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "set()"


def test_every_error_has_a_code_of_its_own() -> None:
    """All errors stand under one root."""
    errors = [
        value
        for value in vars(maestro_core_messaging).values()
        if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert all(issubclass(error, maestro_core_messaging.MessagingError) for error in errors)
    assert len({error.code for error in errors}) == len(errors)
