"""The `maestro` command: the local environment, workflows, configuration."""

from ._errors import (
    AlreadyRunningError,
    HomeError,
    InputError,
    MaestroCliError,
    NotRunningError,
    PortTakenError,
    RunNotCompletedError,
    ServiceAnswerError,
    StartFailedError,
    StopFailedError,
    UnknownServiceError,
)

__all__ = [
    "AlreadyRunningError",
    "HomeError",
    "InputError",
    "MaestroCliError",
    "NotRunningError",
    "PortTakenError",
    "RunNotCompletedError",
    "ServiceAnswerError",
    "StartFailedError",
    "StopFailedError",
    "UnknownServiceError",
]
