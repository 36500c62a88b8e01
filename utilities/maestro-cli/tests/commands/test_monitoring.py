import json

from maestro_cli.testing import Workspace

MAIN = """
from maestro_core_monitoring import MetricsCollector


class App:
    title = "Sample API"
    metrics = MetricsCollector("sample")

    def openapi(self):
        return {"paths": {"/items/{id}": {"get": {}}}}


app = App()
"""


def sample(workspace: Workspace) -> None:
    """Install a service whose application can be read."""
    package = workspace.site / "sample"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "main.py").write_text(MAIN)
    info = workspace.site / "sample-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sample\nVersion: 1.0.0\n")
    (info / "entry_points.txt").write_text("[maestro.services]\nsample = sample\n")


def test_a_dashboard_is_printed(workspace: Workspace) -> None:
    """The output is the document and nothing else."""
    sample(workspace)
    done = workspace.ask("monitoring", "dashboards", "sample")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["title"] == "Sample API"


def test_rules_are_written_and_checked(workspace: Workspace) -> None:
    """A file that is not current fails the check, and the error says how to mend it."""
    sample(workspace)
    rules = ("monitoring", "rules", "sample", "--output", "rules")
    missing = workspace.ask(*rules, "--check")
    assert missing.returncode == 1
    assert "maestro monitoring rules sample --output rules" in missing.stderr
    written = workspace.ask(*rules)
    file = workspace.folder / "rules" / "sample.yaml"
    assert (written.returncode, written.stdout.strip()) == (0, str(file)), written.stderr
    assert file.read_text("utf-8").startswith("# Written by `maestro monitoring rules sample`")
    assert workspace.ask(*rules, "--check").returncode == 0


def test_a_service_that_is_not_there_is_told(workspace: Workspace) -> None:
    """The error lists those that are installed."""
    sample(workspace)
    done = workspace.ask("monitoring", "rules", "simple")
    assert done.returncode != 0
    assert "sample" in done.stderr


def test_checking_needs_a_folder(workspace: Workspace) -> None:
    """Otherwise there is nothing to check."""
    sample(workspace)
    done = workspace.ask("monitoring", "rules", "sample", "--check")
    assert done.returncode == 2
    assert "--check needs --output" in done.stderr
