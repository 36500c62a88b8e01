import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

import pytest
from fastapi import Body

from maestro_core_api import APIException, CatalogEntry, Dependency, DocsLink, MaestroAPI
from maestro_core_api._registration import Registration
from maestro_core_api.testing import running
from maestro_core_logging.testing import capture_logs
from maestro_core_monitoring.testing import captured_spans

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


async def test_renewals_are_nobodys_trace(make_app: MakeApp, registry: Any, eventually: Eventually) -> None:
    """They go on for as long as the service runs, and would drown what somebody looks for: neither side records them."""
    with captured_spans() as spans:
        async with running(registry.app) as registry_url, running(make_app(registry_url=registry_url, lease=LEASE)):
            await eventually(lambda: registry.calls.count("renew") >= 2)
    assert [span.name for span in spans if "lease" in str(span.attributes)] == []


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


async def test_a_service_says_where_it_is_and_how_it_is_probed(
    make_app: MakeApp, registry: Any, eventually: Eventually
) -> None:
    """Zone, tags and the path of the probe go along with the registration; what is not set is left out."""
    async with running(registry.app) as registry_url:
        async with running(make_app(registry_url=registry_url, zone="eu-1a", tags=("canary",))):
            (instance,) = (await eventually(lambda: registry.instances.get("orders"))).values()
        async with running(make_app(registry_url=registry_url, health_path=None)):
            (plain,) = (await eventually(lambda: registry.instances.get("orders"))).values()
    assert (instance["zone"], instance["tags"], instance["health_path"]) == ("eu-1a", ["canary"], "/health/ready")
    assert not {"zone", "tags", "health_path"} & set(plain)


class Shelf:
    """A catalog that keeps what it is told, or answers with an error."""

    def __init__(self, app: MaestroAPI) -> None:
        self.told: list[dict[str, Any]] = []
        self.status = 200
        app.put("/catalog/{name}")(self.put)

    async def put(self, name: str, data: Annotated[dict[str, Any], Body()]) -> dict[str, str]:
        self.told.append(data)
        if self.status != 200:
            raise APIException(status_code=self.status)
        return {"name": name}


async def test_a_service_tells_the_catalog_once(make_app: MakeApp, registry: Any, eventually: Eventually) -> None:
    """Owner, docs, dependencies and documents are told after the registration, and again only to one that forgot."""
    shelf = Shelf(registry.app)
    entry = CatalogEntry(
        owner="team-shop",
        docs=(DocsLink(title="Runbook", url="https://docs.example/orders"),),
        dependencies=(Dependency(service="billing", reason="charges"),),
    )
    app = make_app(registry_url="", lease=LEASE, catalog=entry, version="2.1.0", description="Takes orders.")
    app.asyncapi = lambda: {"asyncapi": "3.0.0"}
    async with running(registry.app) as registry_url:
        app.config = app.config.model_copy(update={"registry_url": registry_url})
        async with running(app):
            await eventually(lambda: registry.calls.count("renew") >= 2)
            assert len(shelf.told) == 1
            registry.forget()
            await eventually(lambda: len(shelf.told) == 2)
    told = shelf.told[0]
    assert (told["owner"], told["version"], told["description"]) == ("team-shop", "2.1.0", "Takes orders.")
    assert told["dependencies"] == [{"service": "billing", "optional": False, "reason": "charges"}]
    assert told["docs"] == [{"title": "Runbook", "url": "https://docs.example/orders"}]
    assert told["asyncapi"] == {"asyncapi": "3.0.0"}
    assert told["openapi"]["info"]["version"] == "2.1.0"


@pytest.mark.parametrize(("status", "tries"), [(503, 2), (422, 1)])
async def test_a_catalog_that_refuses_does_not_end_the_registration(
    make_app: MakeApp, registry: Any, eventually: Eventually, status: int, tries: int
) -> None:
    """A catalog that cannot take the entry now is told again; one that will not take it is complained of once."""
    shelf = Shelf(registry.app)
    shelf.status = status
    with capture_logs() as logs:
        async with (
            running(registry.app) as registry_url,
            running(make_app(registry_url=registry_url, lease=LEASE)),
        ):
            await eventually(lambda: len(shelf.told) >= tries and registry.calls.count("renew") >= 3)
    complaints = [line for line in logs if line["level"] == "warning" and "catalog" in line["event"]]
    assert len(complaints) == (1 if status == 422 else 0)
    assert (len(shelf.told) == 1) == (status == 422)


async def test_a_document_that_cannot_be_written_leaves_the_service_registered(
    make_app: MakeApp, registry: Any, eventually: Eventually
) -> None:
    """A fault in the service's own document is logged, and the lease is renewed on."""
    app = make_app(registry_url="", lease=LEASE)

    def broken() -> dict[str, Any]:
        raise RuntimeError("no such channel")

    app.asyncapi = broken
    with capture_logs() as logs:
        async with running(registry.app) as registry_url:
            app.config = app.config.model_copy(update={"registry_url": registry_url})
            async with running(app):
                await eventually(lambda: registry.calls.count("renew") >= 2)
    assert [line for line in logs if "cannot be written" in line["event"]]
