"""The `maestro` command: the local environment, workflows, configuration."""

from ._errors import (
    AlreadyRunningError,
    HomeError,
    InputError,
    JournalDamagedError,
    MaestroCliError,
    NotRunningError,
    PortTakenError,
    ReplayFailedError,
    RunNotCompletedError,
    ServiceAnswerError,
    StartFailedError,
    StopFailedError,
    UnknownServiceError,
    UpdateUnansweredError,
)

__all__ = [
    "AlreadyRunningError",
    "HomeError",
    "InputError",
    "JournalDamagedError",
    "MaestroCliError",
    "NotRunningError",
    "PortTakenError",
    "ReplayFailedError",
    "RunNotCompletedError",
    "ServiceAnswerError",
    "StartFailedError",
    "StopFailedError",
    "UnknownServiceError",
    "UpdateUnansweredError",
]
