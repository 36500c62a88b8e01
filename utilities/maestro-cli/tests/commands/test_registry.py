"""Against a real registry: who runs where, and what each service is."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from maestro_cli.client import registry_url
from maestro_cli.local import Home
from maestro_cli.testing import Workspace, until
from maestro_core_api import APIClient, issue_token


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A real registry, with two instances of a service, a catalog and what traces showed."""
    space = Workspace(tmp_path_factory.mktemp("town"), real=("maestro-central-registry",))
    try:
        space.up("central-registry")
        asyncio.run(_furnish(space))
        yield space
    finally:
        space.clean()


def _url(space: Workspace) -> str:
    return registry_url(Home(space.home))


def _token(space: Workspace) -> str:
    secret = (space.home / "secrets" / "jwt_secret").read_text().strip()
    return issue_token(secret, subject="test", roles=("operator",))


async def _put(space: Workspace, instance_id: str, **more: Any) -> None:
    body = {"url": "http://127.0.0.1:9001", "version": "1.4.0", "lease_s": 300, **more}
    async with APIClient(_url(space), token=_token(space)) as client:
        await client.put(f"/services/orders/instances/{instance_id}", json=body)


async def _furnish(space: Workspace) -> None:
    await _put(space, "near", zone="eu-1", tags=["blue"])
    await _put(space, "far", zone="eu-2", version="2.0.0")
    entry = {
        "version": "2.0.0",
        "owner": "team-shop",
        "description": "Takes orders.",
        "docs": [{"title": "Runbook", "url": "https://docs.example/orders"}],
        "dependencies": [{"service": "billing"}, {"service": "central-registry", "optional": True}],
        "openapi": {"openapi": "3.1.0", "info": {"title": "Orders", "version": "2"}, "paths": {}},
    }
    seen = [{"caller": "orders", "callee": "stock", "calls": 12, "errors": 3}]
    async with APIClient(_url(space), token=_token(space)) as client:
        await client.put("/catalog/orders", json=entry)
        await client.post("/catalog/observations", json={"observations": seen})


def _json(space: Workspace, *arguments: str, code: int = 0) -> Any:
    done = space.ask(*arguments, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_services_are_listed(town: Workspace) -> None:
    """Every instance has a line; filters choose; JSON has what the registry says."""
    text = town.ask("service", "list").stdout
    assert "central-registry" in text
    assert "eu-1" in text
    found = {each["name"]: each["instances"] for each in _json(town, "service", "list")}
    assert [each["instance_id"] for each in found["orders"]] == ["far", "near"]
    (chosen,) = _json(town, "service", "list", "--tag", "blue", "--version", "1")
    assert [each["instance_id"] for each in chosen["instances"]] == ["near"]
    nothing = town.ask("service", "list", "--zone", "moon")
    assert (nothing.returncode, nothing.stdout) == (0, "")


def test_a_service_is_shown_as_its_callers_see_it(town: Workspace) -> None:
    """Instances near the caller come first; a service that does not run is an error that names those that do."""
    lines = town.ask("service", "show", "orders", "--near", "eu-1").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == ["near", "far"]
    shown = _json(town, "service", "show", "orders", "--near", "eu-1")
    assert {each["instance_id"]: each["priority"] for each in shown["instances"]} == {"near": 0, "far": 1}
    missing = town.ask("service", "show", "ordres")
    assert missing.returncode == 1
    assert "central-registry, orders" in missing.stderr


def test_changes_are_followed(town: Workspace) -> None:
    """The first line has everything, the next ones what changed, as soon as it does."""
    process = town.start("service", "watch", "orders", "--json")
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert (first["event"], first["reason"], [each["name"] for each in first["services"]]) == (
        "reset",
        "start",
        ["orders"],
    )
    asyncio.run(_put(town, "third"))
    change = json.loads(process.stdout.readline())
    assert (change["event"], change["service"], change["instance"]["instance_id"]) == ("registered", "orders", "third")


def test_a_watch_outlives_the_registry(town: Workspace) -> None:
    """When the registry is killed and comes back, the watch goes on with all there is."""
    process = town.start("service", "watch", "orders", "--json")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["reason"] == "start"
    before = town.service("central-registry")["pid"]
    os.kill(before, signal.SIGKILL)
    until(lambda: town.service("central-registry")["pid"] not in {before, None})
    # Its errors come on the same pipe here, and tell of the tries in between.
    again = next(json.loads(line) for line in process.stdout if line.startswith("{"))
    assert (again["event"], again["reason"]) == ("reset", "restarted")


def test_the_catalog_is_shown(town: Workspace) -> None:
    """Each service has a line; one service has its owner, documents and dependencies."""
    lines = {line.split()[0]: line for line in town.ask("catalog", "show").stdout.splitlines()}
    assert "1 undeclared, 1 unknown, 2 unused" in lines["orders"]
    text = town.ask("catalog", "show", "orders").stdout
    for part in ("team-shop", "Takes orders.", "Runbook: https://docs.example/orders", "/catalog/orders/openapi"):
        assert part in text
    entry = _json(town, "catalog", "show", "orders")
    assert entry["documents"]["openapi"]["title"] == "Orders"
    assert town.ask("catalog", "show", "nobody").returncode == 1


def test_the_catalog_is_checked(town: Workspace) -> None:
    """What does not agree is named and ends the command with 1; what agrees ends it with 0."""
    done = town.ask("catalog", "check")
    assert done.returncode == 1
    assert "is called and not declared" in done.stdout
    comparison = _json(town, "catalog", "check", "orders", code=1)
    assert (comparison["undeclared"], comparison["unknown"]) == (["stock"], ["billing"])
    assert comparison["unused"] == ["billing", "central-registry"]
    text = town.ask("catalog", "check", "orders").stdout
    assert "is declared and does not exist" in text
    assert _json(town, "catalog", "check", "central-registry")["agrees"] is True
    assert {each["name"]: each["agrees"] for each in _json(town, "catalog", "check", code=1)}["orders"] is False


def test_without_an_environment_it_is_said(workspace: Workspace) -> None:
    """Without a registry the exit code is 3, and the message says what to start."""
    for arguments in (("service", "list"), ("catalog", "check")):
        done = workspace.ask(*arguments)
        assert done.returncode == 3
        assert "maestro up" in done.stderr
