import signal

from maestro_cli.testing import Workspace


def test_logs_in_a_pipe(workspace: Workspace) -> None:
    """In a pipe the lines come as they were written, as many as were asked for."""
    log = workspace.home / "logs" / "central-registry.log"
    log.parent.mkdir(parents=True)
    log.write_text('{"event": "one"}\n{"event": "two"}\n{"event": "three"}\n')

    done = workspace.ask("logs", "central-registry", "-n", "2")

    assert done.returncode == 0
    assert done.stdout == '{"event": "two"}\n{"event": "three"}\n'


def test_logs_of_an_unknown_service(workspace: Workspace) -> None:
    """An unknown service is an error that lists what there is."""
    done = workspace.ask("logs", "nonsense")

    assert done.returncode == 1
    assert "central-registry" in done.stderr


def test_following_a_log(workspace: Workspace) -> None:
    """`logs -f` goes on with what is written, also when the file is put aside, until Ctrl-C."""
    log = workspace.home / "logs" / "central-registry.log"
    log.parent.mkdir(parents=True)
    log.write_text("first\n")
    process = workspace.start("logs", "central-registry", "-f")

    assert process.stdout is not None
    assert process.stdout.readline() == "first\n"
    with log.open("a") as stream:
        stream.write("second\n")
    assert process.stdout.readline() == "second\n"
    log.rename(log.with_suffix(".log.1"))
    log.write_text("third\n")
    assert process.stdout.readline() == "third\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0
