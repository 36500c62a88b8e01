"""What a service says to the gateway, from its own words and from its endpoints."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi import APIRouter, Depends
from pydantic import ValidationError
from starlette.applications import Starlette

from maestro_core_api import (
    APIConfig,
    MaestroAPI,
    MemoryKeyStore,
    StartupError,
    gateway,
    public,
    require_role,
    require_scope,
    time_limit,
)
from maestro_core_api.gateway import (
    Declaration,
    DeclaredRoute,
    GatewayConfig,
    GatewayCORS,
    GatewayRateLimit,
    GatewayRoute,
    declaration_of,
)
from maestro_core_api.testing import running

FEW = GatewayRateLimit(rule="few", limit=3)


def shop(config: GatewayConfig | None = None, **options: Any) -> MaestroAPI:
    api = APIConfig(title="Shop", service_name="shop", gateway=config or GatewayConfig(), environment="test")
    app = MaestroAPI(api, openapi_url=None, **options)
    router = APIRouter(prefix="/orders", dependencies=[Depends(require_role("viewer"))])

    @router.get("/{number:int}")
    async def show(number: int) -> int:
        return number

    @router.delete("/{number}", dependencies=[Depends(require_role("operator"))])
    @time_limit(None)
    async def remove(number: int) -> int:
        return number

    @router.get("/{number}/files/{rest:path}", dependencies=[Depends(require_scope("files"))])
    async def file(number: int, rest: str) -> str:
        return rest

    @app.get("/about")
    @public
    async def about() -> str:
        return "us"

    @app.post("/about")
    async def change() -> str:
        return "them"

    app.include_router(router)
    return app


def routes(declaration: Declaration) -> dict[tuple[str, tuple[str, ...]], DeclaredRoute]:
    return {(route.path, route.methods): route for route in declaration.routes}


def test_endpoints_declare_themselves() -> None:
    """Without a word about the gateway, each endpoint is a route with its own callers, roles, scopes and time; system paths are none."""
    found = routes(declaration_of(shop()))
    assert list(found) == [
        ("/about", ("GET", "HEAD")),
        ("/about", ("POST",)),
        ("/orders/{number}", ("DELETE",)),
        ("/orders/{number}", ("GET", "HEAD")),
        ("/orders/{number}/files/{rest:path}", ("GET", "HEAD")),
    ]
    show, remove = found["/orders/{number}", ("GET", "HEAD")], found["/orders/{number}", ("DELETE",)]
    assert (show.authentication, show.roles) == ("jwt", ("viewer", "operator", "approver", "admin"))
    assert show.timeout == timedelta(minutes=5, seconds=1)
    assert remove.role_rule == "role:operator"
    assert (remove.roles, remove.timeout) == (("operator", "approver", "admin"), None)
    assert found["/orders/{number}/files/{rest:path}", ("GET", "HEAD")].scopes == ("files",)
    assert found["/about", ("GET", "HEAD")].authentication == "public"
    assert found["/about", ("POST",)].authentication == "jwt"
    assert show.max_body_bytes == 16 * 1024 * 1024


def test_keys_of_machines_go_along_where_the_service_takes_them() -> None:
    """A service with a key store lets callers with a key through the gateway, which leaves them to the service."""
    found = routes(declaration_of(shop(key_store=MemoryKeyStore())))
    assert {route.authentication for route in found.values()} == {"public", "jwt-or-api-key"}


def test_a_prefix_holds_for_the_endpoints_below_it() -> None:
    """What a named prefix says of limits and time holds for the endpoints below; of who may call, the stricter word does."""
    prefix = GatewayRoute(path="/orders", authentication="public", rate_limits=(FEW,), timeout=timedelta(seconds=2))
    found = routes(declaration_of(shop(GatewayConfig(routes=(prefix,)))))
    show = found["/orders/{number}", ("GET", "HEAD")]
    assert (show.rate_limits, show.timeout, show.authentication) == ((FEW,), timedelta(seconds=2), "jwt")
    assert show.roles == ("viewer", "operator", "approver", "admin")
    assert found["/about", ("POST",)].rate_limits == ()
    assert found["/orders", ()].is_prefix
    stricter = GatewayRoute(path="/", roles=("admin",))
    found = routes(declaration_of(shop(GatewayConfig(routes=(stricter,)))))
    assert found["/about", ("GET", "HEAD")].roles == ("admin",)
    both = found["/orders/{number}", ("DELETE",)]
    assert (both.roles, both.role_rule) == (("admin",), "role:admin")


def test_an_exact_route_replaces_its_endpoint() -> None:
    """An exact route takes the place of the endpoint of its path, for the methods that it names."""
    route = GatewayRoute(path="/about", match="exact", methods=("GET",), roles=("viewer",))
    found = routes(declaration_of(shop(GatewayConfig(routes=(route,)))))
    assert found["/about", ("GET", "HEAD")].role_rule == "role:viewer"
    assert found["/about", ("POST",)].role_rule is None


def test_mounted_applications_are_prefixes() -> None:
    """What is mounted has all paths below, for callers with a token, unless a prefix of that path says otherwise."""
    app = shop()
    app.mount("/files", Starlette())
    mounted = routes(declaration_of(app))["/files", ()]
    assert (mounted.is_prefix, mounted.authentication) == (True, "jwt")
    named = GatewayRoute(path="/files", roles=("admin",))
    app = shop(GatewayConfig(routes=(named,)))
    app.mount("/files", Starlette())
    (route,) = [route for route in declaration_of(app).routes if route.path == "/files"]
    assert route.role_rule == "role:admin"


async def test_a_contradiction_ends_the_start(make_app: Callable[..., MaestroAPI]) -> None:
    """A service whose declaration contradicts itself does not start, and says what to change."""
    other = FEW.model_copy(update={"limit": 4})
    both = (GatewayRoute(path="/a", rate_limits=(FEW,)), GatewayRoute(path="/b", rate_limits=(other,)))
    app = make_app(registry_url="http://127.0.0.1:1", gateway=GatewayConfig(routes=both))
    with pytest.raises(StartupError, match="declared in two ways"):
        async with running(app):
            pass


def test_what_is_not_meant_for_outside_is_not_declared() -> None:
    """Hidden paths, closed endpoints and services that stay inside declare nothing."""
    hidden = declaration_of(shop(GatewayConfig(hidden=("/orders", "/ops", "/health", "/metrics"))))
    assert {route.path for route in hidden.routes} == {"/about"}
    assert declaration_of(shop(GatewayConfig(endpoints="closed"))).routes == ()
    assert declaration_of(shop(GatewayConfig(exposed=False))) == Declaration(exposed=False)


def test_a_declaration_survives_the_wire() -> None:
    """What is sent as JSON is what was meant; durations are numbers of seconds."""
    config = GatewayConfig(
        rate_limits=(FEW,), cors=GatewayCORS(origins=("https://*.shop.example",)), weights={"1.0.0": 90}
    )
    declaration = declaration_of(shop(config))
    assert Declaration.model_validate_json(declaration.model_dump_json()) == declaration
    sent = declaration.model_dump(mode="json")
    assert sent["routes"][0]["rate_limits"][0]["period"] == 60.0
    assert sent["protection"]["ejection"] == 10.0


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        (lambda: GatewayRoute(path="orders"), "begins with '/'"),
        (lambda: GatewayRoute(path="/a//b"), "empty or relative"),
        (lambda: GatewayRoute(path="/a/../b"), "empty or relative"),
        (lambda: GatewayRoute(path="/a b"), "neither plain text nor a parameter"),
        (lambda: GatewayRoute(path="/{rest:path}/b"), "must come last"),
        (lambda: GatewayRoute(path="/" + "a" * 600), "at most 512"),
        (lambda: GatewayRoute(path="/a", methods=("get",)), "'get' is not one of"),
        (lambda: GatewayRoute(path="/a", roles=("a b",)), "cannot stand in a token"),
        (lambda: GatewayRoute(path="/a", authentication="public", roles=("viewer",)), "leave one out"),
        (lambda: GatewayCORS(origins=("https://shop.example/path",)), "is no origin"),
        (lambda: GatewayCORS(origins=("*",), credentials=True), "name the origins"),
        (lambda: GatewayConfig(weights={"1": 60, "2": 50}), "all together at most 100"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Callable[[], object], word: str) -> None:
    """A declaration that no gateway could hold to is refused where it is written, with what to do instead."""
    with pytest.raises(ValidationError, match=word):
        wrong()


def test_a_rule_means_one_thing() -> None:
    """Two limits of one name and different numbers would be one count with two ends."""
    other = FEW.model_copy(update={"limit": 4})
    config = GatewayConfig(
        routes=(GatewayRoute(path="/a", rate_limits=(FEW,)), GatewayRoute(path="/b", rate_limits=(other,)))
    )
    with pytest.raises(ValidationError, match="declared in two ways"):
        declaration_of(shop(config))


def test_the_exports_are_pinned() -> None:
    """The module offers exactly these names."""
    assert gateway.__all__ == [
        "Authentication",
        "Decision",
        "Declaration",
        "DeclaredRoute",
        "GatewayCORS",
        "GatewayConfig",
        "GatewayProtection",
        "GatewayRateLimit",
        "GatewayRetries",
        "GatewayRoute",
        "LimitAspect",
        "LimitStore",
        "LimitStoreUnavailableError",
        "Take",
        "declaration_of",
        "limit_headers",
        "opened_limit_store",
    ]
    assert all(hasattr(gateway, name) for name in gateway.__all__)
