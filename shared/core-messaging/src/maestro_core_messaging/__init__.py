"""Events between services: CloudEvents over NATS JetStream."""

from maestro_core_messaging._asyncapi import asyncapi_document
from maestro_core_messaging._broker import Broker
from maestro_core_messaging._compatibility import Incompatibility, incompatibilities
from maestro_core_messaging._dead_letter import DeadLetter
from maestro_core_messaging._dead_letters import DeadLetters
from maestro_core_messaging._errors import (
    BrokerClosedError,
    BrokerRefusedError,
    BrokerUnavailableError,
    DeadLetterNotFoundError,
    EventTooLargeError,
    IncompatibleEventError,
    InvalidEventError,
    InvalidSubscriptionError,
    JetStreamUnavailableError,
    MessagingError,
    RejectEventError,
    RetryEventError,
    StreamsMissingError,
    UnreadableEventError,
)
from maestro_core_messaging._event import Event, read_event, write_event
from maestro_core_messaging._event_type import EventType
from maestro_core_messaging._new_event import new_event
from maestro_core_messaging._outbox_relay import OutboxRelay
from maestro_core_messaging._outbox_source import OutboxEntry, OutboxSource, OutboxState
from maestro_core_messaging._processed import (
    MemoryProcessedEvents,
    Once,
    ProcessedEvents,
    TransactionalProcessedEvents,
)
from maestro_core_messaging._reading import read_as
from maestro_core_messaging._redelivery import RedeliveryPolicy
from maestro_core_messaging._settings import MessagingSettings
from maestro_core_messaging._subscription import Subscription
from maestro_core_messaging._subscriptions import Subscriptions
from maestro_core_messaging._transport import Receipt, Stored

__all__ = [
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
