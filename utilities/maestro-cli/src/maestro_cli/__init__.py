"""The `maestro` command: the local environment, workflows, configuration."""

from ._errors import (
    AlreadyRunningError,
    EngineDiffersError,
    HomeError,
    InputError,
    JournalDamagedError,
    MaestroCliError,
    NotRunningError,
    PortTakenError,
    ProgramMissingError,
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
    "EngineDiffersError",
    "HomeError",
    "InputError",
    "JournalDamagedError",
    "MaestroCliError",
    "NotRunningError",
    "PortTakenError",
    "ProgramMissingError",
    "ReplayFailedError",
    "RunNotCompletedError",
    "ServiceAnswerError",
    "StartFailedError",
    "StopFailedError",
    "UnknownServiceError",
    "UpdateUnansweredError",
]
