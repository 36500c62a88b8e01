"""The telemetry store as a part of the environment."""

import pytest

from maestro_cli.local import Home
from maestro_cli.local._telemetry import telemetry_token_file, telemetry_variables, wants_telemetry
from maestro_cli.testing import Workspace


@pytest.fixture
def with_store(workspace: Workspace) -> Workspace:
    """A workspace in which a (pretend) store is installed."""
    workspace.install("maestro-telemetry-store", "telemetry-store")
    return workspace


def test_services_are_told_of_the_store(with_store: Workspace) -> None:
    """It is up before them; they get its address and the file of its token, which only the owner may read."""
    with_store.up()
    store = with_store.service("telemetry-store")
    home = Home(with_store.home)

    environ = with_store.environ_of("maestro-orchestrator")
    assert environ["MAESTRO_OTLP_ENDPOINT"] == f"http://127.0.0.1:{store['port']}"
    assert environ["MAESTRO_OTLP_TOKEN_FILE"] == str(telemetry_token_file(home))
    assert telemetry_token_file(home).stat().st_mode & 0o077 == 0
    assert with_store.environ_of("telemetry-store")["MAESTRO_OTLP_TOKEN_FILE"] == str(telemetry_token_file(home))
    assert telemetry_variables(home, store["port"]).items() <= environ.items()


def test_it_comes_along_with_a_single_service(with_store: Workspace) -> None:
    """Who starts one service wants to see what it does."""
    with_store.up("maestro-orchestrator")

    names = {service["name"] for service in with_store.state()["services"]}
    assert names == {"central-registry", "maestro-orchestrator", "telemetry-store"}


def test_a_receiver_of_the_users_own_is_used(with_store: Workspace) -> None:
    """Who has said where telemetry goes gets no store."""
    with_store.up(MAESTRO_OTLP_ENDPOINT="http://collector.example:4318")

    assert with_store.service("telemetry-store") == {}
    environ = with_store.environ_of("maestro-orchestrator")
    assert environ["MAESTRO_OTLP_ENDPOINT"] == "http://collector.example:4318"
    assert "MAESTRO_OTLP_TOKEN_FILE" not in environ
    assert not wants_telemetry({"MAESTRO_OTLP_ENDPOINT": "http://collector.example:4318"})
