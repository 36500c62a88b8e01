import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from maestro_core_api import MaestroAPI
from maestro_core_api._registration import Registration
from maestro_core_api.testing import running
from maestro_core_logging.testing import capture_logs

MakeApp = Callable[..., MaestroAPI]
Eventually = Callable[[Callable[[], Any]], Awaitable[Any]]
LEASE = timedelta(milliseconds=150)


async def test_a_service_registers_renews_and_deregisters(
    make_app: MakeApp, registry: Any, eventually: Eventually
) -> None:
    """While it runs, a service is in the registry with its real address; after the stop it is gone."""
    async with running(registry.app) as registry_url:
        orders = make_app(registry_url=registry_url, version="2.1.0", lease=LEASE)
        async with running(orders) as url:
            await eventually(lambda: registry.calls.count("renew") >= 2)
            (instance,) = registry.instances["orders"].values()
        assert registry.instances["orders"] == {}
    assert (instance["url"], instance["version"], instance["lease_s"]) == (url, "2.1.0", 0.15)
    assert instance["metadata"] == {"environment": "development"}
    assert registry.calls[0] == "register"
    assert registry.calls[-1] == "deregister"


async def test_a_forgotten_service_registers_again(make_app: MakeApp, registry: Any, eventually: Eventually) -> None:
    """When the registry lost the entry, the next renewal brings it back."""
    with capture_logs() as logs:
        async with running(registry.app) as registry_url, running(make_app(registry_url=registry_url, lease=LEASE)):
            await eventually(lambda: registry.instances)
            registry.forget()
            await eventually(lambda: registry.instances)
    assert registry.calls.count("register") == 2
    assert not [line for line in logs if line["level"] == "warning"], "a registry that forgets is no outage"


async def test_a_missing_registry_does_not_stop_the_service(
    make_app: MakeApp, registry: Any, eventually: Eventually
) -> None:
    """Without a registry the service runs, warns once, and registers as soon as one is there; then through its restart."""
    async with running(registry.app) as registry_url:
        port = int(registry_url.rpartition(":")[2])
    orders = make_app(registry_url=registry_url, lease=LEASE)
    with capture_logs() as logs:
        async with running(orders):
            await eventually(lambda: [line for line in logs if "Registering failed" in line["event"]][2:])
            for _ in range(2):
                async with running(registry.app, port=port):
                    await eventually(lambda: registry.instances)
                registry.forget()
    warned = [line for line in logs if line["level"] == "warning" and "Registering failed" in line["event"]]
    assert 1 <= len(warned) <= 3
    assert str(port) in warned[0]["error"]


async def test_a_registry_that_refuses_is_reported(make_app: MakeApp, registry: Any, eventually: Eventually) -> None:
    """A service whose key differs from the registry's runs on and says why it is not registered."""
    async with running(registry.app) as registry_url:
        key = {"jwt_secret_key": "another-secret-of-at-least-32-bytes!"}
        with capture_logs() as logs:
            async with running(make_app(registry_url=registry_url, lease=LEASE, security=key)):
                await eventually(lambda: [line for line in logs if "Registering failed" in line["event"]])
    assert "not valid" in next(line for line in logs if "Registering failed" in line["event"])["error"]
    assert registry.calls == []


async def test_the_advertised_address_wins(make_app: MakeApp, registry: Any, eventually: Eventually) -> None:
    """A service behind a proxy registers the address that it was told."""
    async with running(registry.app) as registry_url:
        options = {"registry_url": registry_url, "advertise_url": "https://orders.example"}
        async with running(make_app(**options)):
            await eventually(lambda: registry.instances)
            (instance,) = registry.instances["orders"].values()
    assert instance["url"] == "https://orders.example"


async def test_an_unknown_address_is_not_registered(app: MaestroAPI, make_app: MakeApp) -> None:
    """On another server, with neither advertise_url nor port, the service says why it does not register."""
    config = make_app(registry_url="http://127.0.0.1:1").config
    with capture_logs() as logs:
        async with Registration(config, url=None).kept():
            pass
    (line,) = logs
    assert "advertise_url" in line["event"]


async def test_pauses_grow_to_the_renewal_interval(make_app: MakeApp, registry: Any) -> None:
    """Tries come quickly at first and then no further apart than a third of the lease; success goes back to that."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 6:
            raise StopAsyncIteration

    async with running(registry.app) as registry_url:
        pass
    config = make_app(registry_url=registry_url, lease=timedelta(seconds=6)).config
    registration = Registration(config, url="http://127.0.0.1:1", sleep=sleep)
    with contextlib.suppress(RuntimeError):
        async with registration._client() as client:
            with pytest.raises(StopAsyncIteration):
                await registration._keep(client)
    assert waited == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
