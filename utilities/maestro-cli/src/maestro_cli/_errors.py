"""What can go wrong in the `maestro` command: one root, a stable code, what to do, an exit code."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_RUNNING = 3
EXIT_INTERRUPTED = 130


class MaestroCliError(Exception):
    """Root of this package's errors.

    Args:
        message: What happened, for a person.
        hint: What to do about it; None when the message says it all.

    Attributes:
        code: Stable name of the kind of error.
        exit_code: What the process ends with.
    """

    code: ClassVar[str] = "CLI_ERROR"
    exit_code: ClassVar[int] = EXIT_FAILED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class HomeError(MaestroCliError):
    """The environment's folder cannot be used: not writable, full, not a folder.

    Args:
        path: The file or folder concerned.
        reason: What the operating system said.
    """

    code = "HOME_UNUSABLE"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"cannot use {path}: {reason}",
            hint="Free some space or mend its permissions, or choose another folder with --home or MAESTRO_HOME.",
        )
        self.path = path
        self.reason = reason


class AlreadyRunningError(MaestroCliError):
    """An environment runs in this home already.

    Args:
        home: The environment's folder.
        pid: Process id of its supervisor; None while it is not known yet.
    """

    code = "ALREADY_RUNNING"

    def __init__(self, home: Path, pid: int | None) -> None:
        process = "another process" if pid is None else f"process {pid}"
        super().__init__(
            f"the environment in {home} runs already, under {process}",
            hint="`maestro status` shows it, `maestro down` stops it, --home starts a second one elsewhere.",
        )
        self.home = home
        self.pid = pid


class NotRunningError(MaestroCliError):
    """No environment runs in this home.

    Args:
        home: The environment's folder.
        why: What is known about its end.
    """

    code = "NOT_RUNNING"
    exit_code = EXIT_NOT_RUNNING

    def __init__(self, home: Path, why: str | None = None) -> None:
        message = f"no environment runs in {home}"
        super().__init__(f"{message} ({why})" if why else message, hint="Start it with `maestro up --detach`.")
        self.home = home


class PortTakenError(MaestroCliError):
    """A port that was asked for is in use.

    Args:
        service: The service that was to listen on it.
        port: The port.
        variable: The environment variable that sets it.
    """

    code = "PORT_TAKEN"

    def __init__(self, service: str, port: int, variable: str) -> None:
        super().__init__(
            f"port {port}, configured for {service}, is taken by another process",
            hint=f"Stop that process, or set {variable} to another port (0: any free one).",
        )
        self.service = service
        self.port = port


class ProgramMissingError(MaestroCliError):
    """A program that was asked for is not installed.

    Args:
        program: Its name.
        remedy: The command that installs it.
        elsewhere: What does as well, for the hint.
    """

    code = "PROGRAM_MISSING"

    def __init__(self, program: str, remedy: str, *, elsewhere: str = "; one on the PATH does as well") -> None:
        super().__init__(f"the program `{program}` is not installed", hint=f"`{remedy}` brings it{elsewhere}.")
        self.program = program


class EngineDiffersError(MaestroCliError):
    """The environment that runs keeps its runs elsewhere than was asked for.

    Args:
        home: The environment's folder.
        running: What it runs on.
        wanted: What was asked for.
    """

    code = "ENGINE_DIFFERS"

    def __init__(self, home: Path, running: str, wanted: str) -> None:
        super().__init__(
            f"the environment in {home} runs already, with --engine {running} and not {wanted}",
            hint="`maestro down` stops it, --home starts a second one elsewhere. Each engine has runs of its own.",
        )
        self.home = home
        self.running = running
        self.wanted = wanted


class DatabaseDiffersError(MaestroCliError):
    """The environment that runs keeps its databases elsewhere than was asked for.

    Args:
        home: The environment's folder.
        running: What it runs on.
        wanted: What was asked for.
    """

    code = "DATABASE_DIFFERS"

    def __init__(self, home: Path, running: str, wanted: str) -> None:
        super().__init__(
            f"the environment in {home} runs already, with --database {running} and not {wanted}",
            hint="`maestro down` stops it, --home starts a second one elsewhere. Each database has contents of its own.",
        )
        self.home = home
        self.running = running
        self.wanted = wanted


class UnknownServiceError(MaestroCliError):
    """A service was named that is not there.

    Args:
        name: The name that was given.
        known: The names there are.
        kind: What was looked for.
    """

    code = "UNKNOWN_SERVICE"

    def __init__(self, name: str, known: Sequence[str], *, kind: str = "service") -> None:
        choice = f"There are: {', '.join(sorted(known))}." if known else f"No {kind} is installed."
        super().__init__(f"there is no {kind} named {name!r}", hint=choice)
        self.name = name
        self.known = tuple(known)


class StartFailedError(MaestroCliError):
    """A service did not come up; everything was stopped again.

    Args:
        service: The service.
        reason: What happened to it.
        process_exit_code: What its process ended with; None when it was still running.
        log_file: Its log.
        log_tail: The last lines of that log.
        hint: What to do.
    """

    code = "START_FAILED"

    def __init__(
        self,
        service: str,
        reason: str,
        *,
        process_exit_code: int | None,
        log_file: Path,
        log_tail: Sequence[str],
        hint: str | None = None,
    ) -> None:
        super().__init__(f"{service} did not start: {reason}", hint=hint)
        self.service = service
        self.reason = reason
        self.process_exit_code = process_exit_code
        self.log_file = log_file
        self.log_tail = tuple(log_tail)


class StopFailedError(MaestroCliError):
    """The environment did not stop.

    Args:
        pid: Process id of the supervisor that is still there.
    """

    code = "STOP_FAILED"

    def __init__(self, pid: int) -> None:
        super().__init__(f"process {pid} does not stop", hint=f"Look at it with `ps -fp {pid}`.")
        self.pid = pid


class InputError(MaestroCliError):
    """Something that was given on the command line cannot be used.

    Args:
        message: What is wrong.
        hint: What to do about it.
    """

    code = "INPUT_INVALID"
    exit_code = EXIT_USAGE


class InvalidDocumentError(MaestroCliError):
    """A workflow document has faults.

    Args:
        name: What it is called: its file.
        blocks: Each fault as it is shown, some lines.
    """

    code = "DOCUMENT_INVALID"

    def __init__(self, name: str, blocks: Sequence[str]) -> None:
        number = "an error" if len(blocks) == 1 else f"{len(blocks)} errors"
        super().__init__(f"{name} is no workflow document that can run: it has {number}")
        self.name = name
        self.blocks = tuple(blocks)


class RunNotCompletedError(MaestroCliError):
    """A run ended without a result.

    Args:
        run_id: The run.
        status: What it ended as.
        reason: Why, when that is known.
    """

    code = "RUN_NOT_COMPLETED"

    def __init__(self, run_id: str, status: str, reason: str | None = None) -> None:
        message = f"run {run_id} {'was cancelled' if status == 'cancelled' else status}"
        super().__init__(
            f"{message}: {reason}" if reason else message, hint=f"`maestro workflow show {run_id}` tells what happened."
        )
        self.run_id = run_id
        self.status = status
        self.reason = reason


class UpdateUnansweredError(MaestroCliError):
    """A run has not answered a request in time; the request goes on.

    Args:
        run_id: The run.
        update: What it was asked for.
        update_id: The request's id.
    """

    code = "UPDATE_UNANSWERED"

    def __init__(self, run_id: str, update: str, update_id: str) -> None:
        super().__init__(
            f"run {run_id} has not answered {update} in time; the request goes on",
            hint=f"The same command with --id {update_id} asks for its answer again.",
        )
        self.run_id = run_id
        self.update = update
        self.update_id = update_id


class ReplayFailedError(MaestroCliError):
    """Histories do not fit the code.

    Args:
        misfits: How many do not fit.
        histories: How many there were.
    """

    code = "REPLAY_FAILED"

    def __init__(self, misfits: int, histories: int) -> None:
        super().__init__(
            f"{misfits} of {histories} histories do not fit the code",
            hint="Restore the code that these runs started with, guard the change with patched(), or give it a new version.",
        )
        self.misfits = misfits
        self.histories = histories


class JournalDamagedError(MaestroCliError):
    """A journal is damaged, or cannot be read at all.

    Args:
        message: What is wrong.
        hint: What to do about it.
    """

    code = "JOURNAL_DAMAGED"


class JournalUpkeepError(MaestroCliError):
    """Something cannot be done for a journal at the moment; it is as it was.

    Args:
        message: Why.
        hint: What to do about it.
    """

    code = "JOURNAL_UPKEEP"


class MoveIncompleteError(MaestroCliError):
    """Something cannot be moved to another engine; it stays where it is.

    Args:
        runs: How many runs stay.
        schedules: How many schedules stay.
        verb: What they do: `stay`, or `would stay` in a dry run.
    """

    code = "MOVE_INCOMPLETE"

    def __init__(self, runs: int, schedules: int, verb: str) -> None:
        super().__init__(
            f"{runs} runs and {schedules} schedules {verb} where they are",
            hint="The reasons are listed. Mend what they name, and ask for the move again.",
        )
        self.runs = runs
        self.schedules = schedules


class MoveFailedError(MaestroCliError):
    """A move was broken off, or could not begin. What had begun to move is finished by the same command.

    Args:
        message: Why.
        hint: What to do about it.
    """

    code = "MOVE_FAILED"


class DatabaseCommandError(MaestroCliError):
    """Something could not be done with a service's database.

    Args:
        message: Why, and what to do.
        database_code: Stable code of the database's error.
    """

    code = "DATABASE_COMMAND_FAILED"

    def __init__(self, message: str, database_code: str) -> None:
        super().__init__(message)
        self.database_code = database_code


class AuditBrokenError(MaestroCliError):
    """An audit trail is not what it was.

    Args:
        fault: A stable name of what is wrong.
        position: Of the first broken entry, or of a checkpoint's; 0 for the trail as a whole.
        entry_id: Of that entry, when there is one.
        text: What is wrong.
    """

    code = "AUDIT_BROKEN"

    def __init__(self, fault: str, position: int, entry_id: str | None, text: str) -> None:
        named = f"entry {position} ({entry_id})" if entry_id is not None else f"entry {position}"
        super().__init__(
            f"the audit trail is broken at {named}: {text} [{fault}]",
            hint="Keep the database, the folder of checkpoints and every export as they are, and compare with older copies.",
        )
        self.fault = fault
        self.position = position
        self.entry_id = entry_id


class ServiceAnswerError(MaestroCliError):
    """A service answered with an error, or could not be reached.

    Args:
        title: What kind of error it is.
        error_code: The service's stable code for it.
        detail: What happened this time; None when it was not said.
        faults: Path and message of everything that is wrong with the request.
        hint: What to do.
    """

    code = "SERVICE_ANSWERED_ERROR"

    def __init__(
        self,
        title: str,
        error_code: str,
        *,
        detail: str | None = None,
        faults: Sequence[tuple[str, str]] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(f"{title} ({error_code})", hint=hint)
        self.error_code = error_code
        self.detail = detail
        self.faults = tuple(faults)
