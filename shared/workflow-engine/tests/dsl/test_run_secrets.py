"""Secrets of processes: they reach the process, and nothing that is kept or told of it."""

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from maestro_workflow_engine import WorkflowEngine, WorkflowFailedError
from maestro_workflow_engine.dsl import DocumentError, FixedSecrets, ProcessOptions, Steps, load_document

SECRET = "open-sesame-42"
HEAD = {"dsl": "1.0.3", "namespace": "test", "name": "sample", "version": "1.0.0"}
EVERYTHING = ProcessOptions(allowed=frozenset({"script", "shell"}))
KEEP = 'printf "%s;" "$TOKEN" > "$1"; cat >> "$1"'


def document(run: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"document": HEAD, "use": {"secrets": ["key", "pin"]}, "do": [{"a": {"run": run, **fields}}]}


async def perform(run: dict[str, Any], payload: Any = None, options: ProcessOptions = EVERYTHING, **fields: Any) -> str:
    """Run a document and return everything that is kept of the run: history, output, error."""
    loaded = load_document(document(run, **fields))
    steps = Steps(processes=options, secrets=FixedSecrets({"key": SECRET, "pin": "1234"}))
    async with WorkflowEngine("sqlite://", workflows=[loaded.as_workflow(steps)]) as engine:
        handle = await engine.start(loaded.qualified_name, payload)
        try:
            outcome = repr(await handle.result())
        except WorkflowFailedError as failed:
            outcome = f"failed: {failed} {failed.failure}"
        history = json.dumps([event.data for event in await handle.history()])
        return f"{outcome}\n{history}\n{await handle.status()!r}"


@pytest.mark.parametrize(
    ("environment", "stdin", "seen"),
    [
        ({"TOKEN": "${ $secrets.key }"}, "plain", f"{SECRET};plain"),
        ({"TOKEN": '${ "Bearer " + $secrets.key + .n }', "N": "${ .n }"}, "${ .n }", f"Bearer {SECRET}7;7"),
        ({"TOKEN": "x"}, "${ {key: $secrets.key, n: .n} }", f'x;{{"key": "{SECRET}", "n": "7"}}'),
        ({"TOKEN": "${ $secrets.pin }"}, "${ $secrets.key }", f"1234;{SECRET}"),
    ],
)
async def test_a_process_sees_secrets_and_history_does_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, environment: dict[str, str], stdin: str, seen: str
) -> None:
    """Environment and standard input carry them; history, output, error and logs do not."""
    caplog.set_level(logging.DEBUG)
    run = {
        "shell": {"command": KEEP, "arguments": [str(tmp_path / "seen")], "environment": environment, "stdin": stdin}
    }
    kept = await perform(run, {"n": "7"})
    assert (tmp_path / "seen").read_text() == seen
    assert SECRET not in kept + caplog.text


async def test_a_script_sees_secrets(tmp_path: Path) -> None:
    """So do scripts, in their environment."""
    code = "import os, sys; open(sys.argv[1], 'w').write(os.environ['TOKEN'])"
    script = {"language": "python", "code": code, "arguments": [str(tmp_path / "seen")]}
    kept = await perform({"script": {**script, "environment": {"TOKEN": "${ $secrets.key }", "OTHER": "told"}}})
    assert (tmp_path / "seen").read_text() == SECRET
    assert SECRET not in kept
    assert "told" in kept


async def test_a_container_sees_secrets(tmp_path: Path) -> None:
    """A container's variable goes by its name on the command line, and by its value in the runtime's own environment."""
    runtime, log = tmp_path / "docker", tmp_path / "log"
    runtime.write_text(
        f"#!{sys.executable}\nimport os, sys\nopen({str(log)!r}, 'a').write(repr((sys.argv, os.environ.get('TOKEN'))))\n"
    )
    runtime.chmod(0o700)
    options = ProcessOptions(allowed=frozenset({"container"}), container_runtime=runtime)
    kept = await perform(
        {"container": {"image": "alpine", "environment": {"TOKEN": "${ $secrets.key }"}}}, options=options
    )
    seen = log.read_text()
    assert "'--env=TOKEN'" in seen
    assert f", '{SECRET}')" in seen
    assert f"={SECRET}" not in seen
    assert SECRET not in kept


@pytest.mark.parametrize("returned", ["stdout", "stderr", "all"])
async def test_what_a_process_repeats_is_masked(returned: str) -> None:
    """A secret in what a process writes is struck out, whichever part of it becomes the output."""
    shell = {"command": 'echo "out $TOKEN"; echo "err $TOKEN" >&2', "environment": {"TOKEN": "${ $secrets.key }"}}
    kept = await perform({"shell": shell, "return": returned})
    assert SECRET not in kept
    assert "**********" in kept


@pytest.mark.parametrize("name", ["key", "pin"])
async def test_an_error_tells_no_secret(name: str) -> None:
    """The end of stderr, which the error tells, is masked; short secrets as well."""
    shell = {
        "command": 'echo "no entry with <$TOKEN>" >&2; exit 3',
        "environment": {"TOKEN": f"${{ $secrets.{name} }}"},
    }
    kept = await perform({"shell": shell})
    assert "no entry with <**********>" in kept
    assert SECRET not in kept
    assert "<1234>" not in kept


async def test_a_process_that_is_not_waited_for_sees_secrets(tmp_path: Path) -> None:
    """With `await: false`, too."""
    place = tmp_path / "seen"
    shell = {"command": f'printf "%s" "$TOKEN" > "{place}.new"; mv "{place}.new" "{place}"'}
    loaded = load_document(
        document({"shell": {**shell, "environment": {"TOKEN": "${ $secrets.key }"}}, "await": False})
    )
    steps = Steps(processes=EVERYTHING, secrets=FixedSecrets({"key": SECRET}))
    async with WorkflowEngine("sqlite://", workflows=[loaded.as_workflow(steps)]) as engine:
        handle = await engine.start(loaded.qualified_name)
        await handle.result()
        async with asyncio.timeout(60):
            while not place.exists():
                await asyncio.sleep(0.01)
    assert place.read_text() == SECRET


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ("${ $secrets.key | tonumber }", "failed; why is not told"),
        ("${ $secrets.key + 1 }", "failed; why is not told"),
    ],
)
async def test_an_expression_that_fails_tells_nothing(environment: str, told: str) -> None:
    """Jq quotes values in its messages, so they are not told; the task fails with the standard error "expression"."""
    kept = await perform({"shell": {"command": "true", "environment": {"X": environment}}})
    assert told in kept
    assert "errors/expression" in kept
    assert SECRET[:6] not in kept


async def test_a_missing_secret_is_an_authorization_error(tmp_path: Path) -> None:
    """Nothing is started then."""
    place = tmp_path / "seen"
    loaded = load_document(
        document({"shell": {"command": f"touch {place}", "environment": {"X": "${ $secrets.key }"}}})
    )
    steps = Steps(processes=EVERYTHING, secrets=FixedSecrets({}))
    async with WorkflowEngine("sqlite://", workflows=[loaded.as_workflow(steps)]) as engine:
        handle = await engine.start(loaded.qualified_name)
        with pytest.raises(WorkflowFailedError, match="there is no secret named 'key'") as caught:
            await handle.result()
    assert "errors/authorization" in str(caught.value.failure)
    assert not place.exists()


@pytest.mark.parametrize(
    "run",
    [
        {"shell": {"command": "${ $secrets.key }"}},
        {"shell": {"command": "true", "arguments": ["${ $secrets.key }"]}},
        {"script": {"language": "python", "code": "${ $secrets.key }"}},
        {"script": {"language": "python", "code": "pass", "arguments": ["${ $secrets.key }"]}},
        {"container": {"image": "${ $secrets.key }"}},
        {"container": {"image": "x", "volumes": {"/a": "${ $secrets.key }"}}},
    ],
)
def test_secrets_are_refused_where_others_would_see_them(run: dict[str, Any]) -> None:
    """Command lines stand in the list of processes, which everybody on the machine can read."""
    with pytest.raises(DocumentError, match="the environment and stdin of a process, inside whose step they stay"):
        load_document(document(run))


def test_an_undeclared_secret_is_a_fault() -> None:
    """It is told when the document is loaded, with the nearest name."""
    with pytest.raises(DocumentError, match=r"no secret named 'keys'.*did you mean 'key'"):
        load_document(document({"shell": {"command": "true", "environment": {"X": "${ $secrets.keys }"}}}))
