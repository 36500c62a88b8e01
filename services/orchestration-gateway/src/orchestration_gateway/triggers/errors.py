"""What can go wrong with triggers and deliveries; no HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a declaration."""

    path: str
    """Where, with dots: `secrets.0`."""
    message: str
    """What is wrong with it."""


class GatewayError(Exception):
    """Root of the errors of this service."""

    code: ClassVar[str] = "GATEWAY_ERROR"


class TriggerNotFoundError(GatewayError):
    """There is no trigger of this name, or not for this caller.

    Attributes:
        name: The name.
    """

    code: ClassVar[str] = "TRIGGER_NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no trigger {name!r}")
        self.name = name


class InvalidTriggerError(GatewayError):
    """A declaration breaks rules.

    Attributes:
        faults: All of them.
    """

    code: ClassVar[str] = "INVALID_TRIGGER"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)


class TriggerConflictError(GatewayError):
    """The name is taken by something that must not be changed this way.

    Attributes:
        name: The name.
    """

    code: ClassVar[str] = "TRIGGER_CONFLICT"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"trigger {name!r} {reason}")
        self.name = name


class SignatureError(GatewayError):
    """A request to a webhook is not what its sender signed, or comes at the wrong time.

    Attributes:
        rule: The rule that refused it.
    """

    code: ClassVar[str] = "SIGNATURE_INVALID"

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule


class DeliveryInvalidError(GatewayError):
    """A delivery cannot be read."""

    code: ClassVar[str] = "DELIVERY_INVALID"


class DeliveryConflictError(GatewayError):
    """A delivery of this id came before, with another content.

    Attributes:
        key: The id.
    """

    code: ClassVar[str] = "DELIVERY_CONFLICT"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"a delivery with the id {key!r} came before with another content; give each message its own id"
        )
        self.key = key


class DeliveryNotFoundError(GatewayError):
    """There is no such delivery, or not for this caller."""

    code: ClassVar[str] = "DELIVERY_NOT_FOUND"

    def __init__(self, delivery_id: str) -> None:
        super().__init__(f"there is no delivery {delivery_id!r}")


class ReplayRefusedError(GatewayError):
    """A delivery is not in a state to be started again."""

    code: ClassVar[str] = "REPLAY_REFUSED"


class MappingError(GatewayError):
    """A jq program of a trigger did not give what is needed of it.

    Attributes:
        program: Which one: `filter`, `input`, `run_key` or `workflow_from`.
        reason: What happened.
    """

    code: ClassVar[str] = "MAPPING_FAILED"

    def __init__(self, program: str, reason: str) -> None:
        super().__init__(f"the trigger's {program}: {reason}")
        self.program = program
        self.reason = reason


class StartFailedError(GatewayError):
    """The orchestrator did not start a run.

    Attributes:
        error_code: The code it answered with.
        is_final: Whether asking again could not change anything.
        is_away: Whether the orchestrator could not be asked at all.
    """

    code: ClassVar[str] = "START_FAILED"

    def __init__(self, error_code: str, reason: str, *, is_final: bool, is_away: bool) -> None:
        super().__init__(reason)
        self.error_code = error_code
        self.is_final = is_final
        self.is_away = is_away
