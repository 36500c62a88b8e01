"""Against a real orchestrator: what is done with runs, many runs, whole workflows, schedules and queues."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from maestro_cli.testing import Workspace, until


def _ok(space: Workspace, *arguments: str) -> str:
    done = space.ask(*arguments)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def _json(space: Workspace, *arguments: str) -> Any:
    return json.loads(_ok(space, *arguments, "--json"))


def _start(space: Workspace, run_id: str, *options: str) -> None:
    _ok(space, "workflow", "run", "shop/order", "-i", "1", "--id", run_id, "--no-wait", *options)


def _status(space: Workspace, run_id: str) -> str:
    return str(_json(space, "workflow", "show", run_id)["status"])


def test_asking_a_run(shop: Workspace) -> None:
    """An update prints the answer, a query what is published; a refusal and an answer that takes too long end with 1."""
    _start(shop, "basket")
    assert _ok(shop, "workflow", "update", "basket", "add", "2") == "3\n"
    assert _ok(shop, "workflow", "query", "basket", "amount") == "3\n"
    refused = shop.ask("workflow", "update", "basket", "add", "--", "-2")
    assert (refused.returncode, "nothing is taken back" in refused.stderr) == (1, True)
    unknown = shop.ask("workflow", "update", "basket", "remove")
    assert (unknown.returncode, "UPDATE_REJECTED" in unknown.stderr) == (1, True)
    late = shop.ask("workflow", "update", "basket", "ponder", "--id", "why", "--timeout", "0.3")
    assert (late.returncode, "--id why" in late.stderr) == (1, True)
    _ok(shop, "workflow", "signal", "basket", "thought", '"because"')
    assert _ok(shop, "workflow", "update", "basket", "ponder", "--id", "why") == '"because"\n'


def test_finding_and_steering_many_runs(shop: Workspace) -> None:
    """Runs are listed and counted by what is known of them, and one thing is done to all that are meant."""
    for number in (1, 2, 3):
        _start(shop, f"many-{number}", "-a", "customer=acme", "-a", f"amount={number * 100}")
    acme = ("-a", "customer=acme")
    listed = _json(shop, "workflow", "list", *acme, "-a", "amount=200..", "--since", "1h", "--oldest-first")
    assert [run["id"] for run in listed] == ["many-2", "many-3"]
    table = _ok(shop, "workflow", "list", *acme, "--limit", "2")
    assert "customer=acme" in table
    assert "many-1" not in table
    assert _ok(shop, "workflow", "count", *acme) == "3\n"
    assert _ok(shop, "workflow", "count", *acme, "--until", "1h") == "0\n"
    unsure = shop.ask("workflow", "bulk", "cancel", *acme)
    assert (unsure.returncode, "--yes" in unsure.stderr) == (2, True)
    everything = shop.ask("workflow", "bulk", "cancel", "--yes")
    assert (everything.returncode, "every run" in everything.stderr) == (2, True)
    assert _json(shop, "workflow", "bulk", "pause", *acme, "--yes", "--reason", "audit") == {
        "action": "pause",
        "runs": 3,
    }
    assert _status(shop, "many-1") == "paused"
    assert _json(shop, "workflow", "bulk", "terminate", *acme, "--yes")["runs"] == 3
    assert _ok(shop, "workflow", "count", *acme, "--status", "terminated") == "3\n"


def test_removing_runs(shop: Workspace) -> None:
    """What would go is told first; nothing goes without a yes; an open run is refused."""
    _start(shop, "old", "-a", "kind=old")
    refused = shop.ask("workflow", "delete", "old", "--yes")
    assert (refused.returncode, "WORKFLOW_OPEN" in refused.stderr) == (1, True)
    _ok(shop, "workflow", "terminate", "old")
    wanted = ("workflow", "purge", "--older-than", "0s", "--workflow", "shop/order", "--status", "terminated")
    assert _json(shop, *wanted, "--dry-run")["runs"] >= 1
    assert shop.ask(*wanted).returncode == 2
    assert _status(shop, "old") == "terminated"
    _ok(shop, "workflow", "delete", "old", "--yes")
    assert shop.ask("workflow", "show", "old").returncode == 1
    assert _json(shop, *wanted, "--yes")["held_back"] == 0


def test_holding_a_workflow(shop: Workspace) -> None:
    """Every run of a held workflow waits and says why; released they go on."""
    _ok(shop, "workflow", "hold", "shop/order", "--reason", "stocktaking")
    assert "stocktaking" in _ok(shop, "workflow", "definitions")
    _start(shop, "held")
    assert "stocktaking" in _ok(shop, "workflow", "show", "held")
    _ok(shop, "workflow", "signal", "held", "pay")
    _ok(shop, "workflow", "release", "shop/order")
    until(lambda: _status(shop, "held") == "completed")
    assert shop.ask("workflow", "hold", "shop/none").returncode == 1


def test_a_schedules_life(shop: Workspace) -> None:
    """A schedule is made, shown, changed, held, triggered, filled in and forgotten."""
    made = _json(
        shop, "schedule", "create", "night", "shop/order", "--cron", "0 3 * * *", "--zone", "Europe/Berlin", "-i", "5"
    )
    assert (made["spec"]["cron"], made["input"], made["overlap"]) == ("0 3 * * *", 5, "skip")
    again = shop.ask("schedule", "create", "night", "shop/order", "--every", "1h")
    assert (again.returncode, "SCHEDULE_EXISTS" in again.stderr) == (1, True)
    changed = _json(shop, "schedule", "update", "night", "--every", "1d", "--overlap", "allow", "--queue", "counter")
    assert (changed["spec"]["every_s"], changed["overlap"], changed["queue"], changed["input"]) == (
        86400,
        "allow",
        "counter",
        5,
    )
    _ok(shop, "schedule", "pause", "night", "--reason", "holiday")
    assert "holiday" in _ok(shop, "schedule", "list")
    assert "every 1d 00h" in _ok(shop, "schedule", "show", "night")
    assert "next at" in shop.ask("schedule", "resume", "night").stderr
    run = _ok(shop, "schedule", "trigger", "night").strip()
    assert _json(shop, "workflow", "show", run)["input"] == 5
    day = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
    filled = _ok(shop, "schedule", "backfill", "night", "--from", f"{day}T00:00Z", "--to", f"{day}T00:01Z")
    assert filled == f"night@{day}T00:00:00Z\n"
    replaced = _json(shop, "schedule", "create", "night", "shop/order", "--every", "2h", "-i", "6", "--replace")
    assert (replaced["spec"]["every_s"], replaced["queue"]) == (7200, None)
    assert shop.ask("schedule", "delete", "night").returncode == 2
    _ok(shop, "schedule", "delete", "night", "--yes")
    assert shop.ask("schedule", "show", "night").returncode == 1
    _ok(shop, "workflow", "bulk", "terminate", "--id-prefix", "night@", "--yes")


def test_what_a_schedule_lacks_is_told_before_anything_is_asked(shop: Workspace) -> None:
    """Without times, with two kinds of them, or without anything to change, the exit code is 2."""
    for arguments in (
        ("create", "s", "shop/order"),
        ("create", "s", "shop/order", "--cron", "@daily", "--every", "1h"),
        ("create", "s", "shop/order", "--every", "1h", "--zone", "UTC"),
        ("create", "s", "shop/order", "--cron", "@daily", "--offset", "1h"),
        ("update", "s"),
        ("backfill", "s", "--from", "some day"),
    ):
        assert shop.ask("schedule", *arguments).returncode == 2, arguments


def test_waiting_in_a_queue(shop: Workspace) -> None:
    """A queue shows who runs and who waits; one that is moved up is next; a paused queue lets nothing begin."""
    _ok(shop, "queue", "pause", "counter", "--reason", "lunch")
    for name, priority in (("q-1", "5"), ("q-2", "7")):
        _start(shop, name, "--queue", "counter", "--priority", priority, "--tenant", "acme")
    assert "lunch" in _ok(shop, "queue", "list")
    shown = _json(shop, "queue", "show", "counter")
    assert (shown["running"], shown["waiting"], shown["waiting_by_priority"]) == (0, 2, {"5": 1, "7": 1})
    assert "acme" in _ok(shop, "queue", "show", "counter")
    _ok(shop, "workflow", "prioritize", "q-2", "0")
    _ok(shop, "queue", "resume", "counter")
    until(lambda: _status(shop, "q-2") == "running")
    assert _status(shop, "q-1") == "queued"
    assert _ok(shop, "workflow", "count", "--status", "queued") == "1\n"
    none = shop.ask("workflow", "run", "shop/order", "-i", "1", "--queue", "none")
    assert (none.returncode, "counter" in none.stderr) == (1, True)
    _ok(shop, "workflow", "bulk", "terminate", "--id-prefix", "q-", "--yes")
