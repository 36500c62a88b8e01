"""Everything that can go wrong, without a word about HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a document."""

    path: str
    """Where, as a dotted path; empty for the whole document."""
    message: str


class IntelligenceError(Exception):
    """Root of the service's errors."""

    code = "INTELLIGENCE_ERROR"


class PersonaNotFoundError(IntelligenceError):
    """There is no persona of that name."""

    code = "PERSONA_NOT_FOUND"

    def __init__(self, name: str, detail: str, available: Sequence[str] = ()) -> None:
        super().__init__(detail)
        self.name = name
        self.available = tuple(available)
        """Personas that there are; empty when unknown."""


class PersonaSourceError(IntelligenceError):
    """The personas cannot be had now."""

    code = "PERSONA_SOURCE_UNAVAILABLE"


class PersonaInvalidError(IntelligenceError):
    """A persona's document cannot be used."""

    code = "PERSONA_INVALID"

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        super().__init__(f"persona {name!r} cannot be used: " + "; ".join(f"{f.path}: {f.message}" for f in faults))
        self.name = name
        self.faults = tuple(faults)


class InputInvalidError(IntelligenceError):
    """The input is not of the form that the persona needs."""

    code = "INPUT_INVALID"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)


class InputTooLongError(IntelligenceError):
    """The input does not fit into the model's context."""

    code = "INPUT_TOO_LONG"


class ModelUnavailableError(IntelligenceError):
    """The model cannot be reached, or did not answer in time."""

    code = "MODEL_UNAVAILABLE"

    def __init__(
        self, endpoint: str, reason: str, *, hint: str, retry_after: timedelta | None = None, unheard: int = 0
    ) -> None:
        super().__init__(f"{endpoint}: {reason}; {hint}")
        self.endpoint = endpoint
        self.reason = reason
        self.hint = hint
        """What the reader can do."""
        self.retry_after = retry_after
        self.unheard = unheard
        """How many endpoints were asked and may have worked out a whole answer that nobody waited for."""


class ModelRejectedError(IntelligenceError):
    """The model's server refused the request."""

    code = "MODEL_REJECTED_REQUEST"

    def __init__(self, endpoint: str, status: int, reason: str) -> None:
        super().__init__(f"{endpoint} answered {status}: {reason}")
        self.endpoint = endpoint
        self.status = status
        """HTTP status of the model's server."""
        self.reason = reason


class ModelOutputInvalidError(IntelligenceError):
    """The model's answer does not obey the persona's schema, nor did a second one."""

    code = "MODEL_OUTPUT_INVALID"

    def __init__(self, model: str, faults: Sequence[Fault], *, attempts: int, output: str) -> None:
        super().__init__(
            f"{model} gave {attempts} answers that do not obey the persona's schema: "
            + "; ".join(f"{fault.path or 'answer'}: {fault.message}" for fault in faults)
        )
        self.model = model
        self.faults = tuple(faults)
        self.attempts = attempts
        self.output = output
        """The beginning of the last answer."""


class BudgetExhaustedError(IntelligenceError):
    """A tenant has used up what it may use of models."""

    code = "BUDGET_EXHAUSTED"

    def __init__(self, rule: str, *, limit: int, used: int, asked: int, unit: str, retry_after: timedelta) -> None:
        super().__init__(
            f"{rule} allows {limit} {unit}, of which {used} are used; this question may take {asked}. "
            "Ask for less, wait for the next window, or have the budget raised"
        )
        self.rule = rule
        """Which budget, as in `tokens-per-day`."""
        self.limit = limit
        self.used = used
        self.unit = unit
        """`tokens`, or `micros`: millionths of a unit of the currency."""
        self.retry_after = retry_after
        """When the window ends."""


class LearningOffError(IntelligenceError):
    """The service's configuration says that nothing is learnt."""

    code = "LEARNING_OFF"


class LearningFullError(IntelligenceError):
    """As much has been learnt as may be kept."""

    code = "LEARNING_FULL"


class ExampleNotFoundError(IntelligenceError):
    """There is no such example among what this tenant taught."""

    code = "EXAMPLE_NOT_FOUND"


class ExampleChangedError(IntelligenceError):
    """The example was changed since it was read."""

    code = "EXAMPLE_CHANGED"


class EncoderMissingError(IntelligenceError):
    """The sentence encoder is not installed."""

    code = "ENCODER_MISSING"


class CorpusError(IntelligenceError):
    """The reference texts of licences cannot be read."""

    code = "LICENSE_CORPUS_UNREADABLE"
