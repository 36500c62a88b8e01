"""Every test of this folder runs on the memory broker and on a real NATS server."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from maestro_core_messaging import Broker
from maestro_core_messaging.testing import MemoryServer, NatsServer

OpenBroker = Callable[..., AbstractAsyncContextManager[Broker]]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture
def service() -> str:
    """A service of this test's own: events and consumers of others do not matter to it."""
    return f"orders-{next(_numbers)}"


@pytest.fixture(params=["memory", "nats"])
def open_broker(request: pytest.FixtureRequest, service: str) -> OpenBroker:
    """Open a broker; each call is another instance at the same server."""
    options: dict[str, Any]
    if request.param == "memory":
        options = {"memory": MemoryServer()}
    else:
        options = {"settings": request.getfixturevalue("nats_server").url}

    def opened(**further: Any) -> AbstractAsyncContextManager[Broker]:
        return Broker.opened(**{"service_name": service, **options, **further})

    return opened
