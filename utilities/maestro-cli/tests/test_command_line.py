import json

import pytest
from click.testing import CliRunner
from joserfc import jwt
from joserfc.jwk import OctKey

from maestro_cli.cli import cli
from maestro_cli.testing import Workspace


def test_help_lists_every_command() -> None:
    """`maestro --help` shows each command with a line about it."""
    done = CliRunner().invoke(cli, ["--help"])

    assert done.exit_code == 0
    for command in (
        "up",
        "down",
        "status",
        "logs",
        "deploy",
        "demo",
        "workflow",
        "schedule",
        "queue",
        "event",
        "policy",
        "approval",
        "scorecard",
        "service",
        "catalog",
        "trigger",
        "journal",
        "config",
        "db",
        "monitoring",
        "token",
    ):
        assert command in done.output


@pytest.mark.parametrize(
    "command",
    [
        ["up"],
        ["down"],
        ["status"],
        ["logs"],
        ["deploy"],
        ["demo"],
        ["token"],
        ["config", "explain"],
        ["config", "check"],
        ["config", "reference"],
        ["config", "schema"],
        ["db", "upgrade"],
        ["db", "downgrade"],
        ["db", "check"],
        ["db", "history"],
        ["service", "list"],
        ["service", "show"],
        ["service", "watch"],
        ["catalog", "show"],
        ["catalog", "check"],
        ["monitoring", "dashboards"],
        ["monitoring", "rules"],
    ]
    + [
        ["workflow", name]
        for name in (
            "run",
            "list",
            "show",
            "signal",
            "cancel",
            "terminate",
            "pause",
            "resume",
            "retry",
            "fork",
            "lint",
            "validate",
            "graph",
            "export",
            "replay",
            "count",
            "query",
            "update",
            "prioritize",
            "bulk",
            "definitions",
            "hold",
            "release",
            "delete",
            "purge",
        )
    ]
    + [
        ["schedule", name]
        for name in ("list", "show", "create", "update", "pause", "resume", "trigger", "backfill", "delete")
    ]
    + [["queue", name] for name in ("list", "show", "pause", "resume")]
    + [["event", "send"], ["scorecard"]]
    + [["policy", name] for name in ("list", "show", "test", "apply", "check", "explain")]
    + [["approval", name] for name in ("list", "show", "approve", "reject", "claim", "delegate", "comment", "cancel")]
    + [["event", "send"]]
    + [["trigger", name] for name in ("list", "apply", "show", "delete", "deliveries", "replay", "sign")]
    + [["journal", name] for name in ("check", "export")],
)
def test_help_of_each_command(command: list[str]) -> None:
    """Each command explains itself."""
    done = CliRunner().invoke(cli, [*command, "-h"])

    assert done.exit_code == 0
    assert "Usage" in done.output


def test_version() -> None:
    """`maestro --version` names the version."""
    done = CliRunner().invoke(cli, ["--version"])

    assert done.output == "maestro, version 1.0.0\n"


def test_usage_error() -> None:
    """An unknown command is a usage error."""
    assert CliRunner().invoke(cli, ["nonsense"]).exit_code == 2


def test_token_before_any_start(workspace: Workspace) -> None:
    """Without a key there is no token; the exit code says that nothing runs."""
    done = workspace.ask("token")

    assert done.returncode == 3
    assert done.stdout == ""


def test_token_with_the_users_own_key(workspace: Workspace) -> None:
    """The key from the environment wins over the home's, as it does in the services."""
    secret = "the user's own key, long enough for HS256"

    done = workspace.ask("token", "--role", "viewer", "--subject", "ann", MAESTRO_JWT_SECRET=secret)

    claims = jwt.decode(done.stdout.strip(), OctKey.import_key(secret)).claims
    assert (claims["sub"], claims["roles"]) == ("ann", ["viewer"])


def test_home_from_the_environment(workspace: Workspace) -> None:
    """MAESTRO_HOME names the home."""
    done = workspace.ask("status", "--json", MAESTRO_HOME=str(workspace.folder / "elsewhere"))

    assert json.loads(done.stdout)["home"] == str(workspace.folder / "elsewhere")


def test_explained_configuration(workspace: Workspace) -> None:
    """`config explain` names the source of each value, what it won over, and masks secrets."""
    (workspace.folder / "config").mkdir()
    (workspace.folder / "config" / "sample.yaml").write_text("port: 4711\nlog_level: DEBUG\n")
    sample(workspace)
    secret = "a secret that nobody may ever see"

    done = workspace.ask("config", "explain", "sample", "--json", MAESTRO_JWT_SECRET=secret, SAMPLE_LOG_LEVEL="ERROR")
    text = workspace.ask("config", "explain", "sample", MAESTRO_JWT_SECRET=secret)

    assert done.returncode == 0, done.stderr
    fields = {field["name"]: field for field in json.loads(done.stdout)}
    assert fields["port"]["value"] == 4711
    assert "sample.yaml:1" in fields["port"]["source"]
    assert (fields["log_level"]["value"], fields["log_level"]["source"]) == ("ERROR", "SAMPLE_LOG_LEVEL")
    assert fields["log_level"]["overridden"][0]["value"] == "DEBUG"
    assert fields["data_dir"]["set_by_up"] is True
    assert secret not in done.stdout + text.stdout
    assert "set by maestro up" in text.stdout


def test_explained_configuration_with_faults(workspace: Workspace) -> None:
    """A faulty configuration is an error that lists every fault with its source."""
    sample(workspace)

    done = workspace.ask("config", "explain", "sample", SAMPLE_PORT="many", MAESTRO_LOG_FORMAT="poem")

    assert done.returncode == 1
    assert "SAMPLE_PORT" in done.stderr
    assert "MAESTRO_LOG_FORMAT" in done.stderr


def sample(workspace: Workspace) -> None:
    """Install a configuration class."""
    workspace.install("sample")
    info = workspace.site / "sample-1.0.0.dist-info"
    (info / "entry_points.txt").write_text("[maestro.configs]\nsample = sample_config:SampleConfig\n")
    (workspace.site / "sample_config.py").write_text(
        "from maestro_core_config import BaseConfig\nclass SampleConfig(BaseConfig):\n    pass\n"
    )
