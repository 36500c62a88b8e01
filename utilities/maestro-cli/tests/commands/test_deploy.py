from maestro_cli.testing import Workspace


def test_deploy_restarts_in_place(workspace: Workspace) -> None:
    """`deploy` starts the service anew on the same address and does not count it as a crash."""
    workspace.up()
    before = workspace.service("maestro-orchestrator")
    registry = workspace.service("central-registry")

    done = workspace.ask("deploy", "maestro-orchestrator")

    assert done.returncode == 0, done.stderr
    after = workspace.service("maestro-orchestrator")
    assert (after["phase"], after["url"], after["restarts"]) == ("ready", before["url"], 0)
    assert after["pid"] != before["pid"]
    assert workspace.service("central-registry") == registry


def test_deploy_adds_what_was_installed_later(workspace: Workspace) -> None:
    """A service that was installed after `up` joins the environment."""
    workspace.up()
    workspace.install("maestro-extra", "extra")

    done = workspace.ask("deploy", "extra")

    assert done.returncode == 0, done.stderr
    assert workspace.service("extra")["phase"] == "ready"


def test_deploy_of_a_broken_service(workspace: Workspace) -> None:
    """A service that does not come up after `deploy` is an error with its last words."""
    workspace.up()
    (workspace.site / "tiny_maestro_orchestrator.py").write_text("raise SystemExit('no luck today')\n")

    done = workspace.ask("deploy", "maestro-orchestrator")

    assert done.returncode == 1
    assert "no luck today" in done.stderr


def test_deploy_needs_an_environment(workspace: Workspace) -> None:
    """Without an environment `deploy` ends with exit code 3."""
    assert workspace.ask("deploy", "maestro-orchestrator").returncode == 3


def test_deploy_of_an_unknown_service(workspace: Workspace) -> None:
    """A name that is not installed is an error that lists the ones that are."""
    done = workspace.ask("deploy", "nonsense")

    assert done.returncode == 1
    assert "central-registry" in done.stderr
