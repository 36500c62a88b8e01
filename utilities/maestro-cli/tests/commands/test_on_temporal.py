"""Against a real orchestrator with its runs on a real Temporal server: the same commands, the same output."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maestro_cli.local import Engine, SupervisorOptions
from maestro_cli.testing import Workspace, until


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, shop_module: str) -> Iterator[Workspace]:
    """An orchestrator on Temporal with a workflow in Python."""
    space = Workspace(tmp_path_factory.mktemp("cluster"), real=("maestro", "maestro-central-registry"))
    (space.site / "cornershop.py").write_text(shop_module)
    space.environ["MAESTRO_ORCHESTRATOR_WORKFLOW_MODULES"] = '["cornershop"]'
    try:
        space.up(options=SupervisorOptions(engine=Engine.TEMPORAL, grace=timedelta(seconds=10)))
        yield space
    finally:
        space.clean()


def _ok(space: Workspace, *arguments: str) -> str:
    done = space.ask(*arguments)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def _json(space: Workspace, *arguments: str) -> Any:
    return json.loads(_ok(space, *arguments, "--json"))


def _start(space: Workspace, run_id: str, *options: str) -> None:
    _ok(space, "workflow", "run", "shop/order", "-i", "1", "--id", run_id, "--no-wait", *options)


def test_a_run_is_talked_to(shop: Workspace) -> None:
    """Updates, queries and signals reach it; refusals are one line and end with 1; its end is shown."""
    _start(shop, "basket")
    assert _ok(shop, "workflow", "update", "basket", "add", "2") == "3\n"
    assert _ok(shop, "workflow", "query", "basket", "amount") == "3\n"
    refused = shop.ask("workflow", "update", "basket", "add", "--", "-2")
    assert (refused.returncode, "nothing is taken back" in refused.stderr) == (1, True)
    late = shop.ask("workflow", "update", "basket", "ponder", "--id", "why", "--timeout", "0.3")
    assert (late.returncode, "--id why" in late.stderr) == (1, True)
    _ok(shop, "workflow", "signal", "basket", "thought", '"because"')
    assert _ok(shop, "workflow", "update", "basket", "ponder", "--id", "why") == '"because"\n'
    _ok(shop, "workflow", "signal", "basket", "pay")
    until(lambda: _json(shop, "workflow", "show", "basket")["status"] == "completed")
    assert _json(shop, "workflow", "show", "basket")["output"] == 3


def test_a_document_is_run_and_followed(shop: Workspace, tmp_path: Path) -> None:
    """`run FILE` registers, starts, follows the live stream to the end and prints the output."""
    file = tmp_path / "hello.yaml"
    file.write_text(
        "document: {dsl: '1.0.3', namespace: tests, name: hello, version: '1.0.0'}\n"
        "do: [{rest: {wait: {seconds: 1}}}, {greet: {set: {greeting: 'Hello'}}}]\n"
    )
    assert json.loads(_ok(shop, "workflow", "run", str(file), "--json"))["output"] == {"greeting": "Hello"}


def test_runs_are_found_and_steered(shop: Workspace) -> None:
    """Runs are listed and counted by what is known of them; one, or all that are meant, are steered."""
    for number in (1, 2, 3):
        _start(shop, f"many-{number}", "-a", "customer=acme")
    acme = ("-a", "customer=acme")
    until(lambda: _ok(shop, "workflow", "count", *acme) == "3\n")
    assert [run["id"] for run in _json(shop, "workflow", "list", *acme)] == ["many-3", "many-2", "many-1"]
    _ok(shop, "workflow", "pause", "many-1", "--reason", "audit")
    assert _json(shop, "workflow", "show", "many-1")["status"] == "paused"
    _ok(shop, "workflow", "resume", "many-1")
    assert _json(shop, "workflow", "bulk", "terminate", *acme, "--yes")["runs"] == 3
    until(lambda: _ok(shop, "workflow", "count", *acme, "--status", "terminated") == "3\n")


def test_a_history_is_taken_out_and_replayed(shop: Workspace, tmp_path: Path) -> None:
    """An exported run fits the code that made it."""
    _start(shop, "told")
    _ok(shop, "workflow", "signal", "told", "pay")
    until(lambda: _json(shop, "workflow", "show", "told")["status"] == "completed")
    file = tmp_path / "told.json"
    _ok(shop, "workflow", "export", "told", "-o", str(file))
    done = shop.run("workflow", "replay", str(file), "--module", "cornershop:order")
    assert done.returncode == 0, done.stderr


def test_schedules(shop: Workspace) -> None:
    """A schedule is made, shown, triggered and deleted."""
    _ok(shop, "schedule", "create", "night", "shop/order", "--every", "1h", "-i", "1")
    until(lambda: [one["id"] for one in _json(shop, "schedule", "list")] == ["night"])
    _ok(shop, "schedule", "trigger", "night")
    until(lambda: len(_json(shop, "schedule", "show", "night")["last_runs"]) == 1)
    _ok(shop, "schedule", "delete", "night", "--yes")
    assert shop.ask("schedule", "show", "night").returncode == 1


@pytest.mark.parametrize(
    "command",
    [
        ("queue", "list"),
        ("workflow", "hold", "shop/order"),
        ("workflow", "purge", "--older-than", "1d", "--yes"),
        ("workflow", "list", "--status", "paused"),
        ("workflow", "list", "--oldest-first"),
        ("workflow", "list", "-a", "amount=1.."),
    ],
)
def test_what_a_cluster_cannot_do_is_said_in_two_lines(shop: Workspace, command: tuple[str, ...]) -> None:
    """The command ends with 1, and says what there is not and what to do instead; no log would tell more."""
    done = shop.ask(*command)
    assert done.returncode == 1
    first, second = done.stderr.strip().splitlines()
    assert first == "Error: This cannot be done where the runs are kept (UNSUPPORTED_BY_RUNNER)"
    assert second.startswith("the temporal runner has no ")


def test_an_environment_on_temporal_has_no_journal(shop: Workspace) -> None:
    """Whoever looks for the journal is told where the runs are."""
    done = shop.ask("workflow", "journal", "check", "runs.db")
    assert done.returncode == 2
    assert "temporal://127.0.0.1:" in done.stderr
