"""`run: container`. No wheel brings a container daemon, so a stand-in for the command line notes what it is asked for."""

import asyncio
import json
import stat
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import WorkflowEngine
from maestro_workflow_engine.dsl import ProcessOptions, Steps, load_document

LIMIT = timedelta(seconds=40)
HEAD = {"dsl": "1.0.3", "namespace": "acme", "name": "ship", "version": "1.0.0"}

STAND_IN = """#!{python}
import json, os, subprocess, sys, time
with open({log!r}, "a") as log:
    log.write(json.dumps([sys.argv[1:], os.environ.get("TOKEN")]) + "\\n")
line = sys.argv[2:]
if sys.argv[1] == "ps" and os.path.exists({expired!r}):
    print("old new")
elif sys.argv[1] == "inspect":
    print("old 1000"); print("new", int(time.time()) + 1000)
elif sys.argv[1] == "run":
    while line[0].startswith("--"):
        line.pop(0)
    image = line.pop(0)
    if image == "broken":
        sys.exit("Cannot connect to the daemon.") if 0 else (sys.stderr.write("Cannot connect to the daemon."), sys.exit(125))
    if image == "endless":
        time.sleep(1000)
    sys.exit(subprocess.call(line) if line else 0)
"""


class Runtime:
    """The stand-in, and what it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "docker"
        self.expired = folder / "expired"
        self._log = folder / "log"
        self.path.write_text(STAND_IN.format(python=sys.executable, log=str(self._log), expired=str(self.expired)))
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)
        self.options = ProcessOptions(
            allowed=frozenset({"container"}), container_runtime=self.path, grace=timedelta(milliseconds=100)
        )

    def asked(self, command: str) -> list[list[str]]:
        """Return the arguments of every call of a command, such as run."""
        return [line[0][1:] for line in self.calls() if line[0][0] == command]

    def calls(self) -> list[Any]:
        """Return every call: its arguments, and the `TOKEN` it saw."""
        return [json.loads(line) for line in self._log.read_text().splitlines()]


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime(tmp_path)


async def perform(container: dict[str, Any], options: ProcessOptions, payload: Any = None, **fields: Any) -> Any:
    """Return a task's output, or its error as a mapping."""
    body = {"run": {"container": container}, **fields}
    handler = {"do": [{"c": {"set": {"caught": "${ $error }"}}}]}
    document = load_document({"document": HEAD, "do": [{"t": {"try": [{"step": body}], "catch": handler}}]})
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow(Steps(processes=options))]) as engine:
        handle = await engine.start(document.qualified_name, payload)
        return await handle.result(LIMIT)


async def test_a_command_runs_by_the_images_shell_with_arguments_and_input(runtime: Runtime) -> None:
    """The specification's example: stdin and the arguments reach the command, stdout is the output."""
    container = {
        "image": "alpine",
        "stdin": "${ . }",
        "command": 'input=$(cat)\necho "STDIN was: $input"\necho "ARGS are $1 $2"\n',
        "arguments": ["Foo", "Bar"],
    }
    assert await perform(container, runtime.options, "Hello") == "STDIN was: Hello\nARGS are Foo Bar\n"


async def test_every_option_reaches_the_runtime(runtime: Runtime) -> None:
    """Name, ports, volumes, environment and pull policy become the options that docker, podman and nerdctl share."""
    container = {
        "image": "${ .image }",
        "name": '${ "ship-" + .image }',
        "ports": {"8080": 80},
        "volumes": {"/data": "/in"},
        "environment": {"TOKEN": "secret"},
        "pullPolicy": "always",
        "lifetime": {"cleanup": "always"},
        "arguments": ["x"],
    }
    await perform(container, runtime.options, {"image": "nginx"})
    [run] = runtime.asked("run")
    assert run == [
        "--interactive", "--name=ship-nginx", "--pull=always", "--rm", "--publish=8080:80", "--volume=/data:/in", "--env=TOKEN",
        "nginx", "x",
    ]  # fmt: skip
    assert "secret" in {token for _, token in runtime.calls()}


async def test_a_container_is_named_as_the_specification_recommends(runtime: Runtime) -> None:
    """Without a name of its own a container is called {workflow.name}-{uuid}.{workflow.namespace}-{task.name}."""
    await perform({"image": "alpine"}, runtime.options)
    [run] = runtime.asked("run")
    [name] = [option for option in run if option.startswith("--name=")]
    assert name.startswith("--name=ship-")
    assert name.endswith(".acme-step")
    assert "--pull=missing" in run
    assert "--rm" not in run


async def test_eventually_is_written_on_the_container_and_kept(runtime: Runtime) -> None:
    """With `cleanup: eventually` the container says when it may go, and it goes after the time that was given."""
    lifetime = {"cleanup": "eventually", "after": {"milliseconds": 1}}
    await perform({"image": "alpine", "lifetime": lifetime}, runtime.options)
    [run] = runtime.asked("run")
    assert any(option.startswith("--label=maestro.remove-at=") for option in run)


async def test_containers_of_earlier_processes_go_when_their_time_has_come(runtime: Runtime) -> None:
    """Before a container starts, those whose last moment has passed are removed, and no others."""
    runtime.expired.touch()
    await perform({"image": "alpine"}, runtime.options)
    assert runtime.asked("rm") == [["--force", "old"]]


async def test_a_task_that_times_out_removes_its_container(runtime: Runtime) -> None:
    """Ending the command does not end the container, so it is removed by name."""
    caught = await perform({"image": "endless", "name": "c1"}, runtime.options, timeout={"after": {"seconds": 2}})
    assert caught["caught"]["type"].endswith("/timeout")
    async with asyncio.timeout(LIMIT.total_seconds()):
        while ["--force", "c1"] not in runtime.asked("rm"):
            await asyncio.sleep(0.01)


async def test_a_runtime_that_fails_is_told_apart_from_the_container(runtime: Runtime) -> None:
    """Code 125 is the runtime's own: the standard error "runtime" with what it said, even where the code is asked for."""
    error = (await perform({"image": "broken"}, runtime.options))["caught"]
    assert error["type"].endswith("/runtime")
    assert error["detail"] == "run: container: docker could not run the container: Cannot connect to the daemon."


async def test_without_a_runtime_the_configuration_is_at_fault() -> None:
    """Where neither docker nor podman nor nerdctl is found, that is the standard error "configuration"."""
    options = ProcessOptions(allowed=frozenset({"container"}), environment={"PATH": "/nowhere"})
    error = (await perform({"image": "alpine"}, options))["caught"]
    assert error["type"].endswith("/configuration")
    assert "containers need one of docker, podman, nerdctl" in error["detail"]


async def test_an_image_cannot_be_an_option(runtime: Runtime) -> None:
    """What an expression gives as an image is never read as an option of the runtime."""
    error = (await perform({"image": "${ . }"}, runtime.options, "--privileged"))["caught"]
    assert error["type"].endswith("/configuration")
