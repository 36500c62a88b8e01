"""What kind of event it is: its name, its version, the shape of its data."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter

from maestro_core_messaging._errors import InvalidSubscriptionError

SUBJECT_PREFIX: Final = "maestro."
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)+")
SUBJECT: Final = re.compile(r"maestro(\.[A-Za-z0-9_-]+){2,}")
_SCHEMA: Final = "urn:maestro:event:"

D = TypeVar("D")
Converter = Callable[[Any], Any]
"""Takes the data of one version as JSON values, and returns that of the neighbouring version."""


@dataclass(frozen=True, eq=False)
class EventType(Generic[D]):
    """A kind of event, in one version.

    Example:
        >>> from pydantic import BaseModel
        >>> class Decided(BaseModel):
        ...     approval_id: str
        >>> DECIDED = EventType("governance-service.approval.decided", 1, Decided)
        >>> DECIDED.subject
        'maestro.governance-service.approval.decided'

    Raises:
        InvalidSubscriptionError: The name or the version is not valid.
    """

    name: str
    """`<service>.<event>`, lower case; the event may have several parts. It never changes with the version."""
    version: int
    """1 and up. A version that adds optional data needs no new number; see `incompatibilities`."""
    model: type[D]
    """The data: a pydantic model, a dataclass, a TypedDict or any other type that pydantic checks."""
    upcasters: Mapping[int, Converter] = field(default_factory=dict)
    """By version: turns the data of that version into that of the next. Without one the data is read as it is."""
    downcasters: Mapping[int, Converter] = field(default_factory=dict)
    """By version: turns the data of that version into that of the one before. Without one it is read as it is."""
    description: str = ""
    """One sentence for the AsyncAPI document."""

    def __post_init__(self) -> None:
        """Refuse names that are no subjects."""
        if not _NAME.fullmatch(self.name) or self.name.startswith(SUBJECT_PREFIX):
            raise InvalidSubscriptionError(
                f"{self.name!r} names no event; write <service>.<event> in lower case, such as orders.order.paid"
            )
        if self.version < 1:
            raise InvalidSubscriptionError(f"the version of {self.name} is {self.version}; versions begin with 1")

    @property
    def subject(self) -> str:
        """Where it is published: `maestro.<service>.<event>`. It is also the `type` of the CloudEvent."""
        return SUBJECT_PREFIX + self.name

    @property
    def service(self) -> str:
        """The service whose event it is."""
        return self.name.partition(".")[0]

    @property
    def schema_uri(self) -> str:
        """The `dataschema` of the CloudEvent; it holds the version."""
        return f"{_SCHEMA}{self.name}:{self.version}"

    @cached_property
    def adapter(self) -> TypeAdapter[D]:
        """Checks and writes the data."""
        return TypeAdapter(self.model)

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of the data, as it is published."""
        return self.adapter.json_schema(mode="serialization")


def version_in(schema_uri: str | None) -> int | None:
    """Read the version out of a `dataschema`; None when it is not one of ours."""
    if schema_uri is None or not schema_uri.startswith(_SCHEMA):
        return None
    number = schema_uri.rpartition(":")[2]
    return int(number) if number.isascii() and number.isdigit() and number != "0" else None
