import re
from pathlib import Path

from click.testing import CliRunner

from maestro_cli.cli import cli
from maestro_cli.testing import Workspace

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def block(kind: str) -> str:
    found = re.search(rf"```{kind}\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return found[1]


def test_first_example(tmp_path: Path) -> None:
    """The README's first commands work, in their order."""
    workspace = Workspace(tmp_path, real=["maestro", "maestro-central-registry"])
    (tmp_path / "hello.yaml").write_text(block("yaml"))
    commands = [line.removeprefix("$ ").partition("#")[0].strip() for line in block("console").splitlines()]
    script = "\n".join(command for command in commands if not command.endswith(" -f"))
    try:
        done = workspace.shell(f'set -e\nmaestro() {{ {" ".join(workspace.command())} "$@"; }}\n{script}')
    finally:
        workspace.clean()

    assert done.returncode == 0, done.stderr
    assert "Hello, Ada" in done.stdout
    assert workspace.state() == {}


def test_example_of_a_test(tmp_path: Path) -> None:
    """The README's test passes."""
    names: dict[str, object] = {}
    exec(compile(block("python"), "README.md", "exec"), names)
    test = names["test_orchestrator_answers"]
    assert callable(test)

    test(tmp_path)


def test_every_command_is_in_the_readme() -> None:
    """The README's table names each command."""
    runner = CliRunner()
    for command in cli.list_commands(cli.make_context("maestro", ["status"], resilient_parsing=True)):
        assert runner.invoke(cli, [command, "--help"]).exit_code == 0
        assert f"| `{command}" in README
