"""Against a real registry and a real orchestrator, started once for this module."""

import json
import os
import shlex
import signal
from collections.abc import Iterator

import pytest

from maestro_cli.testing import Workspace, until

ADD = """
document: {dsl: '1.0.3', namespace: tests, name: add, version: '1.0.0'}
do:
  - add: {set: {sum: '${ .a + .b }'}}
"""
WAIT = """
document: {dsl: '1.0.3', namespace: tests, name: wait, version: '1.0.0'}
do:
  - nap: {wait: {hours: 1}}
"""
FAIL = """
document: {dsl: '1.0.3', namespace: tests, name: fail, version: '1.0.0'}
do:
  - give-up: {raise: {error: {type: 'https://example.com/no', status: 400, title: Not today}}}
"""
FAULTY = """
document: {dsl: '1.0.3', namespace: tests, name: faulty, version: '1.0.0'}
do:
  - first: {sett: {x: 1}}
  - second: {set: {x: 1}, fork: {}}
"""
WAIT_SHORT = WAIT.replace("name: wait", "name: nap").replace("hours: 1", "seconds: 2")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    space = Workspace(tmp_path_factory.mktemp("real"), real=("maestro", "maestro-central-registry"))
    for name, text in {"add": ADD, "wait": WAIT, "fail": FAIL, "faulty": FAULTY, "nap": WAIT_SHORT}.items():
        (space.folder / f"{name}.yaml").write_text(text)
    try:
        space.up()
        yield space
    finally:
        space.clean()


def test_running_a_document(real: Workspace) -> None:
    """A document is registered and run, and its result is all that stands on standard output."""
    done = real.ask("workflow", "run", "add.yaml", "--input", '{"a": 1, "b": 2}', "--id", "sum-1")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"sum": 3}
    shown = real.ask("workflow", "show", "sum-1")
    assert shown.returncode == 0
    assert "run completed" in shown.stdout
    assert "tests/add:1.0.0" in shown.stdout


def test_same_id_is_the_same_run(real: Workspace) -> None:
    """The same id again is the same run, with the result of the first."""
    first = real.ask("workflow", "run", "add.yaml", "-i", '{"a": 1, "b": 1}', "--id", "once", "--json")
    again = real.ask("workflow", "run", "tests/add", "-i", '{"a": 5, "b": 5}', "--id", "once", "--json")

    assert json.loads(again.stdout)["output"] == json.loads(first.stdout)["output"] == {"sum": 2}


def test_run_that_fails(real: Workspace) -> None:
    """A run that fails ends the command with exit code 1 and the reason."""
    done = real.ask("workflow", "run", "fail.yaml")

    assert done.returncode == 1
    assert "Not today" in done.stderr
    assert "maestro workflow show" in done.stderr


def test_faulty_document(real: Workspace) -> None:
    """Faults are shown as `validate` shows them; what only the orchestrator can tell is listed with its path."""
    done = real.ask("workflow", "run", "faulty.yaml")

    assert done.returncode == 1
    assert "--> faulty.yaml:4:5  /do/0/first" in done.stderr
    assert "/do/1/second" in done.stderr
    checked = real.ask("workflow", "validate", "faulty.yaml").stdout.strip()
    assert checked
    assert checked in done.stderr

    (real.folder / "unknown.yaml").write_text(FAULTY.partition("do:")[0] + "do: [{first: {call: nobody}}]\n")
    unknown = real.ask("workflow", "run", "unknown.yaml")
    assert unknown.returncode == 1
    assert "INVALID_WORKFLOW" in unknown.stderr
    assert "/do/0/first" in unknown.stderr


def test_running_from_standard_input(real: Workspace) -> None:
    """`-` is a document on standard input; it cannot be the run's input as well."""
    command = shlex.join(real.command("workflow", "run", "-", "--input", '{"a": 2, "b": 2}'))
    done = real.shell(f"{command} < add.yaml")
    assert json.loads(done.stdout) == {"sum": 4}
    both = real.ask("workflow", "run", "-", "--input", "@-")
    assert both.returncode == 2
    assert "cannot be both" in both.stderr


def test_unknown_names(real: Workspace) -> None:
    """An unknown workflow or run is an error in words."""
    assert "WORKFLOW_NOT_FOUND" in real.ask("workflow", "run", "tests/none").stderr
    shown = real.ask("workflow", "show", "none")
    assert shown.returncode == 1
    assert "none" in shown.stderr


def test_listing_and_cancelling(real: Workspace) -> None:
    """A run that waits is listed as running, can be cancelled, and is cancelled then."""
    started = real.ask("workflow", "run", "wait.yaml", "--id", "sleeper", "--no-wait")
    assert (started.returncode, started.stdout) == (0, "sleeper\n")
    assert "sleeper" in real.ask("workflow", "list", "--status", "running", "--workflow", "tests/wait").stdout

    assert real.ask("workflow", "cancel", "sleeper").returncode == 0

    def cancelled() -> bool:
        runs = json.loads(real.ask("workflow", "list", "--status", "cancelled", "--json").stdout)
        return "sleeper" in [run["id"] for run in runs]

    until(cancelled)


def test_signalling(real: Workspace) -> None:
    """A signal arrives with its payload."""
    real.ask("workflow", "run", "wait.yaml", "--id", "listener", "--no-wait")

    done = real.ask("workflow", "signal", "listener", "news", '{"n": 1}')

    assert done.returncode == 0, done.stderr
    events = json.loads(real.ask("workflow", "show", "listener", "--json").stdout)["history"]
    (received,) = [event for event in events if event["type"] == "signal_received"]
    assert (received["name"], received["payload"]) == ("news", {"n": 1})


def test_exporting(real: Workspace) -> None:
    """A run is exported as a document, to standard output and to a file alike; an unknown run is an error."""
    real.ask("workflow", "run", "add.yaml", "-i", '{"a": 1, "b": 2}', "--id", "exported")

    printed = real.ask("workflow", "export", "exported")
    written = real.ask("workflow", "export", "exported", "-o", "exported.json")

    assert (printed.returncode, written.returncode, written.stdout) == (0, 0, "")
    assert (real.folder / "exported.json").read_text() == printed.stdout
    document = json.loads(printed.stdout)
    assert (document["format"], document["run_id"], document["workflow"]) == (
        "maestro-history",
        "exported",
        "tests/add",
    )
    assert [event["event"]["type"] for event in document["events"]] == ["run_started", "run_completed"]
    assert real.ask("workflow", "export", "none").returncode == 1


def test_ctrl_c_detaches(real: Workspace) -> None:
    """Ctrl-C leaves the run to itself and says how to look at it."""
    process = real.start("workflow", "run", "wait.yaml", "--id", "left-alone")
    assert process.stdout is not None
    assert process.stdout.readline() == "Run left-alone\n"

    process.send_signal(signal.SIGINT)

    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert "maestro workflow show left-alone" in output
    assert json.loads(real.ask("workflow", "show", "left-alone", "--json").stdout)["status"] == "running"


def test_following_across_a_crash(real: Workspace) -> None:
    """A run that is followed while the orchestrator is killed is followed to its end."""
    process = real.start("workflow", "run", "nap.yaml", "--id", "survivor")
    assert process.stdout is not None
    assert process.stdout.readline() == "Run survivor\n"

    os.kill(real.service("maestro-orchestrator")["pid"], signal.SIGKILL)

    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output


def test_wrong_token(real: Workspace) -> None:
    """A token that the orchestrator refuses is an error in its words."""
    done = real.ask("workflow", "--token", "nonsense", "list")

    assert done.returncode == 1
    assert "TOKEN_INVALID" in done.stderr


def test_without_an_environment(workspace: Workspace) -> None:
    """Without an environment the exit code is 3, and the way to one is shown."""
    done = workspace.ask("workflow", "list")

    assert done.returncode == 3
    assert "maestro up" in done.stderr


def test_pausing_resuming_and_terminating(real: Workspace) -> None:
    """A run is held, let go and ended from the command line, and its state shows it each time."""
    real.ask("workflow", "run", "wait.yaml", "--id", "held", "--no-wait")

    def state() -> str:
        return str(json.loads(real.ask("workflow", "show", "held", "--json").stdout)["status"])

    assert real.ask("workflow", "pause", "held", "--reason", "maintenance").returncode == 0
    assert state() == "paused"
    assert real.ask("workflow", "resume", "held").returncode == 0
    assert state() == "running"
    assert real.ask("workflow", "terminate", "held", "--reason", "enough").returncode == 0
    assert state() == "terminated"


def test_what_cannot_be_retried_or_forked_says_why(real: Workspace) -> None:
    """A run that has not failed, and a step that is not there, are refused with the reason."""
    real.ask("workflow", "run", "wait.yaml", "--id", "waiting", "--no-wait")

    retried = real.ask("workflow", "retry", "waiting")
    forked = real.ask("workflow", "fork", "waiting", "--step", "99")

    assert (retried.returncode, forked.returncode) == (1, 1)
    assert "has not failed" in retried.stderr
    assert "no step 99" in forked.stderr
