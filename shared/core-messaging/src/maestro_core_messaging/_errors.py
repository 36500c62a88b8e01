"""Errors of this package, all under one root."""

from typing import ClassVar


class MessagingError(Exception):
    """Root of all errors that this package raises.

    Attributes:
        code: Stable identifier of the kind of error.
    """

    code: ClassVar[str] = "MESSAGING_ERROR"


class BrokerUnavailableError(MessagingError):
    """The server does not answer. What was to be done may or may not have happened; it can be done again.

    Attributes:
        server: Address of the server, without credentials.
    """

    code = "BROKER_UNAVAILABLE"

    def __init__(self, message: str, *, server: str) -> None:
        super().__init__(message)
        self.server = server


class JetStreamUnavailableError(BrokerUnavailableError):
    """The server answers, but keeps no streams: JetStream is off, or this account may not use it."""

    code = "JETSTREAM_UNAVAILABLE"


class BrokerRefusedError(MessagingError):
    """The server does not let this service in: wrong credentials, or no permission.

    Attributes:
        server: Address of the server, without credentials.
    """

    code = "BROKER_REFUSED"

    def __init__(self, message: str, *, server: str) -> None:
        super().__init__(message)
        self.server = server


class StreamsMissingError(MessagingError):
    """The server has no streams of the platform, and they were not to be made.

    Attributes:
        server: Address of the server, without credentials.
    """

    code = "STREAMS_MISSING"

    def __init__(self, stream: str, *, server: str) -> None:
        super().__init__(
            f"the server {server} has no stream {stream}: no service of the platform has connected to it yet, "
            "or it is another server than theirs"
        )
        self.server = server


class BrokerClosedError(MessagingError):
    """The broker is used before it is opened or after it was closed."""

    code = "BROKER_CLOSED"


class InvalidSubscriptionError(MessagingError):
    """A subscriber, a name of a consumer or a subject is not valid, or is there twice."""

    code = "INVALID_SUBSCRIPTION"


class InvalidEventError(MessagingError):
    """An event cannot be published: its data does not fit its type, an attribute is not valid, or it is not ours.

    Attributes:
        event_type: Name of the type.
        problems: Each a place in the data and what is wrong there.
    """

    code = "INVALID_EVENT"

    def __init__(self, message: str, *, event_type: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.event_type = event_type
        self.problems = problems


class EventTooLargeError(InvalidEventError):
    """The event is larger than the server takes.

    Attributes:
        size_bytes: Size of the event with its headers, or with those that it would have as a dead letter.
        limit_bytes: What the server takes.
    """

    code = "EVENT_TOO_LARGE"

    def __init__(self, *, event_type: str, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"the event {event_type} has {size_bytes} bytes with its headers and the server takes {limit_bytes}; "
            "keep large things elsewhere and send where they are",
            event_type=event_type,
        )
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class UnreadableEventError(MessagingError):
    """What arrived is no CloudEvent 1.0 in JSON."""

    code = "UNREADABLE_EVENT"


class IncompatibleEventError(MessagingError):
    """What arrived does not fit the type that the consumer reads, nor can it be brought there.

    Attributes:
        event_type: Name of the type.
        version: Of what arrived.
        wanted: The version that the consumer reads.
        problems: Each a place in the data and what is wrong there.
    """

    code = "INCOMPATIBLE_EVENT"

    def __init__(self, message: str, *, event_type: str, version: int, wanted: int, problems: tuple[str, ...]) -> None:
        super().__init__(message)
        self.event_type = event_type
        self.version = version
        self.wanted = wanted
        self.problems = problems


class RejectEventError(MessagingError):
    """What a subscriber raises to put an event among the dead letters at once: trying again would not help."""

    code = "REJECTED"


class RetryEventError(MessagingError):
    """What a subscriber raises to get an event again after a time of its own choice.

    Attributes:
        after_s: In seconds; None leaves it to the subscription's redelivery.
    """

    code = "RETRY"

    def __init__(self, message: str = "", *, after_s: float | None = None) -> None:
        super().__init__(message)
        self.after_s = after_s


class DeadLetterNotFoundError(MessagingError):
    """There is no dead letter of this id, or no longer.

    Attributes:
        letter_id: The id.
    """

    code = "DEAD_LETTER_NOT_FOUND"

    def __init__(self, letter_id: str) -> None:
        super().__init__(f"there is no dead letter {letter_id}; it may have been replayed or discarded already")
        self.letter_id = letter_id
