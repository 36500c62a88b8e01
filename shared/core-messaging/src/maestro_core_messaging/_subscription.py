"""What a service wants to hear, and how."""

import inspect
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeVar

from maestro_core_messaging._errors import InvalidSubscriptionError
from maestro_core_messaging._event import Event
from maestro_core_messaging._event_type import SUBJECT_PREFIX, EventType
from maestro_core_messaging._processed import ProcessedEvents
from maestro_core_messaging._redelivery import RedeliveryPolicy
from maestro_core_messaging._transport import Ordering, Start

_DURABLE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_TOKEN: Final = re.compile(r"[^\s.*>]+|\*")

Source = EventType[Any] | str
Handler = Callable[..., Awaitable[None]]
"""Takes an event, and what the memory of processed events gives along if there is a second parameter."""
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True)
class Subscription:
    """A subscriber and the options with which it was declared."""

    sources: tuple[Source, ...]
    """Event types, read as their version; or subjects, with wildcards, read as JSON values."""
    durable: str
    """Name of its position. Never change it: another name is another consumer, which begins anew."""
    handler: Handler
    """Called with each event."""
    ordering: Ordering = "key"
    """`key`: of one key in order, and one instance of the service at work, others stand by. `none`: in any order, on all."""
    redelivery: RedeliveryPolicy = field(default_factory=RedeliveryPolicy)
    """When a failed event comes again."""
    processed: ProcessedEvents[Any] | None = None
    """Which events were handled. Default: the memory of the process."""
    concurrency: int = 16
    """How many events are handled at once. Default 16."""
    timeout: timedelta | None = timedelta(minutes=1)
    """How long one event may take; longer is a failure. None: for ever. Default 1 minute."""
    start: Start = "all"
    """Where a new consumer begins: with `all` that is kept, or with what is `new`."""
    max_in_flight: int = 1_000
    """How many events may be here unanswered, those that wait for their turn included. Default 1000."""

    def __post_init__(self) -> None:
        """Refuse what the server would not take."""
        if not _DURABLE.fullmatch(self.durable):
            raise InvalidSubscriptionError(
                f"{self.durable!r} names no consumer; use letters, digits, - and _, such as on-order-paid"
            )
        if not self.sources:
            raise InvalidSubscriptionError(f"the subscriber {self.durable} names no event type and no subject")
        if self.concurrency < 1 or self.max_in_flight < 1:
            raise InvalidSubscriptionError(f"concurrency and max_in_flight of {self.durable} must be at least 1")
        for subject in self.subjects:
            _check_subject(subject, self.durable)

    @property
    def subjects(self) -> tuple[str, ...]:
        """The subjects that it listens to, each once, none within another."""
        named = dict.fromkeys(source if isinstance(source, str) else source.subject for source in self.sources)
        return tuple(one for one in named if not any(one != other and covers(other, one) for other in named))

    @property
    def takes_resource(self) -> bool:
        """Whether the subscriber has a second parameter."""
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        return sum(each.kind in kinds for each in inspect.signature(self.handler).parameters.values()) > 1

    def type_of(self, event: Event[Any]) -> EventType[Any] | None:
        """Return the type as which an event is read; None: as it is."""
        return next((each for each in self.sources if isinstance(each, EventType) and each.subject == event.type), None)


def covers(pattern: str, subject: str) -> bool:
    """Tell whether a subject, which may have wildcards itself, lies within a pattern."""
    wanted, given = pattern.split("."), subject.split(".")
    for place, part in enumerate(wanted):
        if part == ">":
            return len(given) > place
        if place >= len(given) or given[place] == ">" or part not in ("*", given[place]):
            return False
    return len(wanted) == len(given)


def _check_subject(subject: str, durable: str) -> None:
    tokens: Sequence[str] = subject.split(".")
    tokens = tokens[:-1] if tokens[-1] == ">" else tokens
    if not subject.startswith(SUBJECT_PREFIX) or not all(_TOKEN.fullmatch(token) for token in tokens):
        raise InvalidSubscriptionError(
            f"the subscriber {durable} listens to {subject!r}; subjects are maestro.<service>.<event>, "
            "with * for one part and > for all that follow"
        )
