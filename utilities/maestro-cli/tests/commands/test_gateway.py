"""`maestro gateway`: from a file, without anything running."""

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from maestro_cli.cli import cli
from maestro_core_api.gateway import Declaration, DeclaredRoute, GatewayRateLimit
from maestro_gateway import EdgeSnapshot, InstanceSnapshot, ServiceSnapshot
from maestro_gateway.kong import KongDocument

FEW = GatewayRateLimit(rule="few", limit=3)
ORDERS = DeclaredRoute(
    path="/orders/{id}", is_prefix=False, methods=("GET", "HEAD"), roles=("admin",), role_rule="role:admin", rate_limits=(FEW,), max_body_bytes=9
)  # fmt: skip
ABOUT = DeclaredRoute(path="/about", is_prefix=True, authentication="public", max_body_bytes=9)
OTHER = ORDERS.model_copy(update={"path": "/orders/{number}"})


def snapshot(*routes: DeclaredRoute) -> EdgeSnapshot:
    runs = InstanceSnapshot(instance_id="a", url="http://10.0.0.1:80", version="1.0.0")
    shop = ServiceSnapshot(name="shop", declarations={"1.0.0": Declaration(routes=routes)}, instances=(runs,))
    return EdgeSnapshot(services=(shop,))


@pytest.fixture
def run(tmp_path: Path):
    def call(*arguments: str, known: EdgeSnapshot | None = None) -> Result:
        path = tmp_path / "routes.json"
        path.write_text((known or snapshot(ORDERS, ABOUT)).model_dump_json())
        return CliRunner().invoke(cli, ["gateway", *arguments, "--from", str(path)], env={"COLUMNS": "160"})

    return call


def test_routes_are_listed_as_they_are_tried(run) -> None:
    """Each route has a line: path, methods, who may call, limits."""
    done = run("routes")
    assert done.exit_code == 0
    about, orders = (line.split() for line in done.output.splitlines()[1:3])
    assert about == ["/shop/about/*", "any", "everybody"]
    assert orders == ["/shop/orders/{id}", "GET", "HEAD", "role:admin", "few", "3/60s"]
    assert EdgeSnapshot.model_validate_json(run("routes", "--json").output) == snapshot(ORDERS, ABOUT)
    assert "no service has declared any" in run("routes", known=EdgeSnapshot()).output


def test_configurations_are_printed(run) -> None:
    """What is printed for Kong obeys its schema, and for Envoy is a whole bootstrap."""
    kong = json.loads(run("render", "kong").stdout)
    jsonschema.validate(kong, KongDocument.model_json_schema())
    envoy = json.loads(run("render", "envoy", "--port", "8443").stdout)
    (listener,) = envoy["static_resources"]["listeners"]
    assert listener["address"]["socket_address"]["port_value"] == 8443
    assert "shop" in {cluster["name"] for cluster in envoy["static_resources"]["clusters"]}


def test_kongs_key_is_a_real_one_or_a_placeholder(run, tmp_path: Path) -> None:
    """The key comes from a file; without one a placeholder that nobody can guess is told, as are issuers that Kong cannot verify."""
    path = tmp_path / "jwt_secret"
    path.write_text("k" * 40 + "\n")

    def key(done: Result) -> str:
        ((credential,),) = (consumer["jwt_secrets"] for consumer in json.loads(done.stdout)["consumers"])
        return credential["secret"]

    real = run("render", "kong", "--secret-file", str(path))
    assert key(real) == "k" * 40
    assert "REPLACE-ME" not in real.stderr
    assert "tokens of other issuers" in real.stderr
    first, second = run("render", "kong"), run("render", "kong")
    assert key(first).startswith("REPLACE-ME-")
    assert key(first) != key(second)
    assert "--secret-file" in first.stderr
    assert "other issuers" not in run("render", "kong", known=snapshot(ABOUT)).stderr
    path.write_text("short")
    assert run("render", "kong", "--secret-file", str(path)).exit_code == 2


def test_conflicts_end_with_1(run) -> None:
    """An error among the findings is told, and ends the command with 1, as JSON too; without any it ends with 0."""
    assert (run("check").exit_code, run("check").output) == (0, "No conflicts.\n")
    wrong = run("check", known=snapshot(ORDERS, OTHER))
    assert wrong.exit_code == 1
    assert "error: shop: /orders/{id} and /orders/{number} match the same requests" in wrong.output
    told = run("check", "--json", known=snapshot(ORDERS, OTHER))
    assert told.exit_code == 1
    assert [finding["rule"] for finding in json.loads(told.output)["findings"]] == ["ambiguous-route"]


def test_a_file_that_is_none(tmp_path: Path) -> None:
    """A file that holds something else is refused with what to do, as is an environment that does not run."""
    path = tmp_path / "x.json"
    path.write_text("[]")
    done = CliRunner().invoke(cli, ["gateway", "check", "--from", str(path)])
    assert (done.exit_code, "maestro gateway routes --json" in done.output) == (2, True)
    away = CliRunner().invoke(cli, ["--home", str(tmp_path / "home"), "gateway", "check"])
    assert away.exit_code != 0
    assert "maestro up" in away.output
