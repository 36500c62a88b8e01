import maestro_cli
import maestro_cli.testing
from maestro_cli import MaestroCliError


def test_public_names() -> None:
    """The package offers its errors, nothing by accident."""
    assert maestro_cli.__all__ == [
        "AlreadyRunningError",
        "AuditBrokenError",
        "DatabaseDiffersError",
        "EngineDiffersError",
        "HomeError",
        "InputError",
        "InvalidDocumentError",
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
    assert maestro_cli.testing.__all__ == ["Workspace", "alive", "until"]


def test_error_codes_are_unique() -> None:
    """Each kind of error has a code of its own and one root."""
    errors = [getattr(maestro_cli, name) for name in maestro_cli.__all__]

    assert all(issubclass(error, MaestroCliError) for error in errors)
    assert len({error.code for error in errors}) == len(errors)
