import json
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

INFRASTRUCTURE = Path(__file__).parents[2] / "infrastructure"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing: apt-get install prometheus")


def test_dashboards_and_rules_are_current() -> None:
    """What stands in the repository is what the services declare: otherwise, `make monitoring`."""
    done = subprocess.run(
        [sys.executable, INFRASTRUCTURE / "write.py", "--check"],
        check=False,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr


def test_every_service_has_them_and_nothing_else_does() -> None:
    """A service that is gone leaves no alert behind."""
    services = {point.name for point in entry_points(group="maestro.services")}
    assert {path.stem for path in (INFRASTRUCTURE / "prometheus/rules").iterdir()} == services
    assert {path.stem for path in (INFRASTRUCTURE / "grafana/dashboards").iterdir()} == services


def test_dashboards_have_identifiers_of_their_own() -> None:
    """Two dashboards of one identifier would replace each other."""
    documents = [json.loads(path.read_text("utf-8")) for path in (INFRASTRUCTURE / "grafana/dashboards").iterdir()]
    assert len({document["uid"] for document in documents}) == len(documents)


@needs_promtool
def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    """Its own checker reads the configuration, the rules and the list of targets that it names."""
    assert PROMTOOL is not None
    done = subprocess.run(
        [PROMTOOL, "check", "config", "--lint=all", "--lint-fatal", INFRASTRUCTURE / "prometheus/prometheus.yaml"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("rules found") == len(list((INFRASTRUCTURE / "prometheus/rules").iterdir()))
