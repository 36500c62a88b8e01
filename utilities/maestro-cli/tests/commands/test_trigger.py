"""Against a real gateway: triggers, their deliveries, and test deliveries from the command line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maestro_cli.testing import Workspace, until

REAL = ("maestro", "maestro-central-registry", "maestro-orchestration-gateway")
DECLARATION = """
kind: webhook
workflow: python/take
input: .body.amount
"""
TAKE = """
from maestro_workflow_engine import workflow


@workflow(name="python/take")
async def take(amount: int) -> int:
    return amount
"""


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A real gateway beside a real orchestrator."""
    space = Workspace(tmp_path_factory.mktemp("edge"), real=REAL)
    (space.site / "taking.py").write_text(TAKE)
    space.environ |= {"MAESTRO_ORCHESTRATOR_WORKFLOW_MODULES": '["taking"]'}
    try:
        space.up()
        yield space
    finally:
        space.clean()


def asked(space: Workspace, *arguments: str) -> Any:
    done = space.ask("trigger", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_trigger_from_its_declaration_to_its_end(edge: Workspace, tmp_path: Path) -> None:
    """Applied from a file, it takes a signed test delivery, which is listed, replayed when it is dead, and deleted."""
    path = tmp_path / "takings.yaml"
    path.write_text(DECLARATION)
    (made,) = asked(edge, "apply", str(path))
    secret = made["new_secret"]
    assert [each["name"] for each in asked(edge, "list")] == ["takings"]
    assert asked(edge, "show", "takings")["revision"] == 1
    sent = asked(edge, "sign", "takings", "--secret", secret, "-d", '{"amount": 7}', "--send")
    assert sent["status"] == "started"
    until(lambda: json.loads(edge.ask("workflow", "show", sent["run_id"], "--json").stdout)["output"] == 7)
    refused = edge.ask("trigger", "sign", "takings", "--secret", secret, "-d", "[1]", "--send")
    assert refused.returncode != 0
    assert "MAPPING_FAILED" in refused.stderr
    (dead,) = asked(edge, "deliveries", "takings", "--status", "dead")
    path.write_text(DECLARATION.replace(".body.amount", "'1'"))
    asked(edge, "apply", str(path))
    assert asked(edge, "replay", "--dead", "takings") == {"replayed": 1, "failed": 0}
    again = asked(edge, "replay", dead["id"], "--anew")
    assert again["status"] == "started", again
    assert edge.ask("trigger", "delete", "takings", "--yes").returncode == 0
    assert asked(edge, "list") == []
    assert len(asked(edge, "deliveries")) == 2


def test_text_for_people(edge: Workspace, tmp_path: Path) -> None:
    """Without --json the same is told in tables and sentences; a key is printed alone, to be kept."""
    path = tmp_path / "shown.yaml"
    path.write_text(DECLARATION)
    applied = edge.ask("trigger", "apply", str(path))
    assert applied.stdout.startswith("whsec_")
    assert "Declared trigger shown, revision 1" in applied.stderr
    assert "python/take" in edge.ask("trigger", "list").stdout
    shown = edge.ask("trigger", "show", "shown").stdout
    assert "webhook" in shown
    assert applied.stdout.strip() not in shown
    signed = edge.ask("trigger", "sign", "shown", "--secret", applied.stdout.strip())
    assert signed.stdout.startswith("curl -X POST http://")
    assert "webhook-signature: v1," in signed.stdout
    assert "x-hub-signature-256" in edge.ask("trigger", "sign", "shown", "--secret", "any text", "--github").stdout
    for arguments, words in (
        (("replay",), "either"),
        (("show", "nothing"), "TRIGGER_NOT_FOUND"),
        (("delete", "shown"), "nobody to ask"),
        (("sign", "shown", "--secret", "whsec_?"), "base64"),
    ):
        done = edge.ask("trigger", *arguments)
        assert done.returncode != 0
        assert words in " ".join(done.stderr.split())
