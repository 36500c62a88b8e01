"""What `configure_logging` can be told, beyond the names that every line carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

PERSONAL_KEYS: Final = frozenset(
    {
        "address", "birth_date", "birthday", "date_of_birth", "email", "e_mail", "first_name", "full_name", "ip_address",
        "last_name", "mobile", "national_id", "passport", "phone", "phone_number", "postal_code", "street", "surname",
    }
)  # fmt: skip
"""Keys that tell of persons, for `Masking(keys=PERSONAL_KEYS)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Masking:
    """What is kept out of the log, beyond the secrets that always are."""

    keys: frozenset[str] = frozenset()
    """More keys whose values are masked: "email" stands for `email`, `userEmail` and `user-email`. Default: none."""

    shown_keys: frozenset[str] = frozenset()
    """Keys whose values are shown although their names look like secrets', such as "session_token". Default: none."""

    patterns: tuple[re.Pattern[str], ...] = ()
    """More text that is masked wherever it stands; a group called `kept` stays in front of the mask. Default: none."""

    emails: bool = False
    """Whether e-mail addresses in text are masked up to their domain. Default: no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracebacks:
    """How much is told of an exception."""

    local_variables: bool = False
    """Whether the local variables of the innermost frames are shown, masked. Default: no; they hold what people type in."""

    frames: int = 50
    """How many frames of one exception are kept; more are left out in the middle. At least 2. Default: 50."""

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: `frames` is less than 2.
        """
        if self.frames < 2:
            raise ValueError(f"frames is {self.frames}; at least 2 are needed: where it began and where it ended")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """How often the same event of the same logger is written. Errors and criticals are always written."""

    lines: int = 100
    """How many lines of one event, logger and level are written in each period. Default: 100."""

    period: timedelta = timedelta(seconds=60)
    """How long a period is. How many lines were suppressed is said once it is over. Default: a minute."""

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: There is no line to write, or no time to write it in.
        """
        if self.lines < 1:
            raise ValueError(f"lines is {self.lines}; at least 1 line of each period is written")
        if self.period <= timedelta(0):
            raise ValueError(f"period is {self.period}; it must be longer than nothing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Which share of the lines is written. Warnings and what is worse are always written."""

    share: float = 1.0
    """Share of the lines whose logger is not named in `loggers`, 0.0 to 1.0. Default: all."""

    loggers: Mapping[str, float] = field(default_factory=dict)
    """Shares by logger; a name holds for the loggers below it, and the longest name wins. Default: none."""

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: A share is not between 0 and 1.
        """
        for name, share in {"share": self.share, **self.loggers}.items():
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"the share of {name!r} is {share}; it must be between 0.0 and 1.0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How lines get to their stream."""

    way: Literal["direct", "thread"] = "direct"
    """"direct" hands each line to the operating system before the call returns, and to a thread only while a pipe or
    socket is full. "thread" leaves all writing to a thread: for disks that may stall and streams of your own that may block.
    Default: "direct"."""

    buffer_lines: int = 10_000
    """How many lines wait at most. Default: 10,000."""

    buffer_bytes: int = 16 * 1024 * 1024
    """How many bytes wait at most. Default: 16 MiB."""

    exit_timeout: timedelta = timedelta(seconds=3)
    """How long the end of the process waits for lines that are still waiting. Default: 3 s."""

    flush_on_sigterm: bool = True
    """Whether SIGTERM, when nobody else handles it, delivers waiting lines before it ends the process. Default: yes."""

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: There is no such way, or no room for a line.
        """
        if self.way not in ("direct", "thread"):
            raise ValueError(f"there is no way of delivery {self.way!r}; choose from direct, thread")
        if self.buffer_lines < 1 or self.buffer_bytes < 1:
            raise ValueError("buffer_lines and buffer_bytes must leave room for one line")


@dataclass(frozen=True, slots=True, kw_only=True)
class OtlpExport:
    """Sends log records to an OpenTelemetry receiver, too: OTLP over HTTP, as JSON."""

    endpoint: str
    """Base address such as `http://127.0.0.1:4318`; `/v1/logs` is added when it has no path."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with each request, such as `authorization`. Default: none."""

    resource: Mapping[str, str] = field(default_factory=dict)
    """More attributes of the resource, such as `k8s.pod.name`. Default: none beyond service and environment."""

    interval: timedelta = timedelta(seconds=1)
    """How long records are gathered before they are sent. Default: 1 s."""

    batch_records: int = 512
    """How many records one request carries at most; so many are sent at once. Default: 512."""

    buffer_records: int = 8_192
    """How many records wait at most. Default: 8,192."""

    timeout: timedelta = timedelta(seconds=10)
    """How long one request may take. Default: 10 s."""

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: The endpoint is no http address, or there is no room for a record.
        """
        if not self.endpoint.startswith(("http://", "https://")):
            raise ValueError(f"the OTLP endpoint {self.endpoint!r} must begin with http:// or https://")
        if self.batch_records < 1 or self.buffer_records < 1:
            raise ValueError("batch_records and buffer_records must leave room for one record")
