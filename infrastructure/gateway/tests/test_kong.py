"""Kong's document: what it says, and that faults in it are found."""

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from maestro_core_api.gateway import Declaration, DeclaredRoute, GatewayRateLimit
from maestro_gateway import EdgeSnapshot, ServiceSnapshot, build_edge
from maestro_gateway.kong import KongDocument, kong_document, unequal_limits, unknown_issuers


@pytest.fixture
def document(snapshot: EdgeSnapshot) -> dict[str, Any]:
    return kong_document(build_edge(snapshot), secret="x" * 32)


def routes(document: dict[str, Any]) -> dict[str, Any]:
    return {route["name"]: route for service in document["services"] for route in service["routes"]}


def test_it_is_what_its_schema_says(document: dict[str, Any]) -> None:
    """The document obeys the JSON schema that the package publishes."""
    jsonschema.validate(document, KongDocument.model_json_schema())


def spoilt(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def spoil(document: dict[str, Any]) -> dict[str, Any]:
        other = copy.deepcopy(document)
        change(other)
        return other

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        spoilt(lambda d: d.update(_format_version="1.1")),
        spoilt(lambda d: d.update(extra=1)),
        spoilt(lambda d: d["services"][0].update(read_timeout=0)),
        spoilt(lambda d: d["services"][0].update(protocol="ftp")),
        spoilt(lambda d: d["services"][0].update(host="nowhere")),
        spoilt(lambda d: d["services"][0]["routes"][0].update(paths=["shop"])),
        spoilt(lambda d: d["services"][0]["routes"][0].update(regex_prio=1)),
        spoilt(lambda d: d["services"][0]["routes"].append(d["services"][0]["routes"][0])),
        spoilt(lambda d: d["upstreams"][0].update(algorithm="random")),
        spoilt(lambda d: d["upstreams"][1]["targets"][0].update(weight=70_000)),
        spoilt(lambda d: d["plugins"].append({"name": "no-such", "config": {}})),
        spoilt(lambda d: d["plugins"][0]["config"].update(generator="dice")),
    ],
)
def test_a_fault_is_found(document: dict[str, Any], spoil: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """What Kong would refuse is refused here."""
    with pytest.raises(ValidationError):
        KongDocument.model_validate(spoil(document))


def test_each_route_asks_what_is_declared(document: dict[str, Any]) -> None:
    """Plugins follow the declaration: token, roles, limit, CORS; hidden paths end in 404."""
    found = routes(document)
    orders = found["shop_orders_id_.exact.delete-get-head-post"]
    plugins = {plugin["name"]: plugin["config"] for plugin in orders["plugins"]}
    assert set(plugins) == {
        "cors", "jwt", "post-function", "rate-limiting", "request-size-limiting", "request-transformer"
    }  # fmt: skip
    assert plugins["rate-limiting"]["minute"] == 100
    assert plugins["rate-limiting"]["header_name"] == "x-maestro-subject"
    assert plugins["jwt"]["claims_to_verify"] == ["exp"]  # nbf, which our tokens lack, would refuse them all
    assert "[[operator]], [[approver]], [[admin]]" in plugins["post-function"]["access"][0]
    assert "jwt" not in {plugin["name"] for plugin in found["shop_about.exact.get-head"]["plugins"]}
    assert found["shop_files.prefix.any.keyed"]["headers"] == {"x-api-key": ["~*.+"]}
    hidden = found["shop.hidden_shop_ops"]
    assert hidden["plugins"][0]["config"]["status_code"] == 404
    assert orders["paths"] == ["~/shop(?<rest>/orders/[^/]+)$"]


def test_more_particular_routes_come_first(document: dict[str, Any]) -> None:
    """Kong tries regular expressions by priority, and the priorities are in the order of the model."""
    found = routes(document)
    assert (
        len({route["regex_priority"] for name, route in found.items() if not name.endswith(".keyed")}) == len(found) - 1
    )


def test_weights_divide_among_instances(document: dict[str, Any]) -> None:
    """Ten percent for one canary, ninety for two others: 1,000 and 4,500 each."""
    shop = next(upstream for upstream in document["upstreams"] if upstream["name"] == "shop")
    assert [target["weight"] for target in shop["targets"]] == [4_500, 4_500, 1_000]


@pytest.mark.parametrize(
    ("authentication", "by", "counted"),
    [
        ("public", ("subject",), ["ip"]),
        ("public", ("tenant",), ["ip"]),
        ("public", (), ["service"]),
        ("jwt-or-api-key", ("tenant",), ["header", "ip"]),
        ("jwt", ("tenant",), ["header"]),
    ],
)
def test_nobody_counts_by_claims_that_none_has_verified(
    authentication: Any, by: tuple[Any, ...], counted: list[str]
) -> None:
    """Where no token is verified callers count by address: invented claims would give each its own count."""
    limit = GatewayRateLimit(rule="few", limit=3, by=by)
    route = DeclaredRoute(
        path="/x", is_prefix=False, authentication=authentication, rate_limits=(limit,), max_body_bytes=1
    )
    shop = ServiceSnapshot(name="shop", declarations={"1.0.0": Declaration(routes=(route,))})
    edge = build_edge(EdgeSnapshot(services=(shop,)))
    found = routes(kong_document(edge, secret="x" * 32)).values()
    plugins = [plugin for each in found for plugin in each["plugins"] if plugin["name"] == "rate-limiting"]
    assert sorted(plugin["config"]["limit_by"] for plugin in plugins) == counted
    assert bool(unequal_limits(edge)) == ("ip" in counted)
    assert bool(unknown_issuers(edge)) == (authentication != "public")


def test_limits_that_kong_cannot_keep_are_named(snapshot: EdgeSnapshot) -> None:
    """A period that is no window of Kong's, and a second limit of a route, are told; a window is never more generous."""
    odd = GatewayRateLimit(rule="odd", limit=9, period=timedelta(seconds=90))
    shop = snapshot.services[0]
    declaration = shop.declarations["2.0.0"]
    limits = tuple(route.model_copy(update={"rate_limits": (odd, *route.rate_limits)}) for route in declaration.routes)
    changed = declaration.model_copy(update={"routes": limits})
    edge = build_edge(EdgeSnapshot(services=(shop.model_copy(update={"declarations": {"2.0.0": changed}}),)))
    told = unequal_limits(edge)
    assert any("odd counts in 0:01:30; Kong knows no such window and allows 9 in a hour" in each for each in told)
    assert any("per-caller is left out" in each for each in told)
