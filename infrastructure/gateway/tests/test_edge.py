"""The model: which route wins, how traffic is divided, what is found to be wrong."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import maestro_gateway
from maestro_core_api import version_key
from maestro_core_api.gateway import Declaration, DeclaredRoute
from maestro_gateway import (
    EdgeRoute,
    EdgeSnapshot,
    Hidden,
    InstanceSnapshot,
    ServiceSnapshot,
    build_edge,
    find_conflicts,
)
from maestro_gateway._paths import precedence, regex


def route(path: str, *, is_prefix: bool = False, methods: tuple[str, ...] = (), public: bool = False) -> DeclaredRoute:
    authentication = "public" if public else "jwt"
    return DeclaredRoute(
        path=path,
        is_prefix=is_prefix,
        methods=methods,
        authentication=authentication,
        max_body_bytes=1,  # type: ignore[arg-type]
    )


def service(*routes: DeclaredRoute, hidden: tuple[str, ...] = (), versions: tuple[str, ...] = ("1.0.0",), weights: dict[str, int] | None = None, url: str = "http://10.0.0.1:80") -> ServiceSnapshot:  # fmt: skip
    declaration = Declaration(routes=routes, hidden=hidden, weights=weights or {})
    instances = tuple(
        InstanceSnapshot(instance_id=f"i{number}", url=url, version=version) for number, version in enumerate(versions)
    )
    return ServiceSnapshot(name="shop", declarations=dict.fromkeys(versions, declaration), instances=instances)


def rules(*services: ServiceSnapshot) -> list[tuple[str, str]]:
    return [(each.severity, each.rule) for each in find_conflicts(EdgeSnapshot(services=services))]


def test_the_exports_are_pinned() -> None:
    """The package offers exactly these names."""
    assert maestro_gateway.__all__ == [
        "Edge", "EdgeIssuer", "EdgeRoute", "EdgeService", "EdgeSettings", "EdgeSnapshot", "Endpoint", "Finding", "Hidden",
        "InstanceSnapshot", "ServiceSnapshot", "build_edge", "find_conflicts",
    ]  # fmt: skip
    assert all(hasattr(maestro_gateway, name) for name in maestro_gateway.__all__)


def test_the_most_particular_route_comes_first() -> None:
    """Text before parameters, exact before prefix, longer before shorter; what is hidden stands at its own length."""
    shop = service(
        route("/", is_prefix=True),
        route("/orders", is_prefix=True),
        route("/orders/{id}"),
        route("/orders/new"),
        route("/orders/{id}/items"),
        route("/orders/{rest:path}"),
        route("/ops/public"),
        hidden=("/ops",),
    )
    paths = [
        each.path if isinstance(each, Hidden) else each.declared.path
        for each in build_edge(EdgeSnapshot(services=(shop,))).routes
    ]
    assert paths == [
        "/ops/public", "/shop/ops", "/orders/new", "/orders/{id}", "/orders/{id}/items", "/orders/{rest:path}", "/orders", "/",
    ]  # fmt: skip


SEGMENT = st.sampled_from(["a", "b", "{x}", "a.{y}"])
PATHS = st.lists(SEGMENT, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts))


@given(st.lists(PATHS, min_size=2, max_size=8, unique=True), st.lists(st.sampled_from("abc"), min_size=1, max_size=4))
def test_no_route_hides_a_more_particular_one(templates: list[str], request: list[str]) -> None:
    """Whatever matches first in order matches with text at least as far as anything else that matches."""
    path = "/" + "/".join(request)
    matching = [
        each
        for each in sorted(templates, key=lambda t: precedence(t, is_prefix=False))
        if re.fullmatch(regex(each, is_prefix=False), path)
    ]

    def leading_text(template: str) -> int:
        parts = template.split("/")[1:]
        return next((number for number, part in enumerate(parts) if "{" in part), len(parts))

    assert not matching or leading_text(matching[0]) == max(map(leading_text, matching))


@pytest.mark.parametrize(
    ("template", "is_prefix", "path", "matches"),
    [
        ("/orders", True, "/orders", True),
        ("/orders", True, "/orders/7", True),
        ("/orders", True, "/orders2", False),
        ("/orders/{id}", False, "/orders/7", True),
        ("/orders/{id}", False, "/orders/", False),
        ("/orders/{id}", False, "/orders/7/8", False),
        ("/a.b", False, "/axb", False),
        ("/f/{rest:path}", False, "/f/a/b", True),
        ("/f/{name}.json", False, "/f/x.json", True),
        ("/f/{name}.json", False, "/f/xjson", False),
    ],
)
def test_a_template_matches_whole_paths(template: str, is_prefix: bool, path: str, matches: bool) -> None:
    """A prefix ends at a segment, a parameter is one segment, and a dot is a dot."""
    assert (re.fullmatch(regex(template, is_prefix=is_prefix), path) is not None) is matches


def test_versions_have_an_order() -> None:
    """Numbers count as numbers, and a release candidate comes before its release."""
    versions = ["1.10.0", "1.9.0", "2.0.0", "2.0.0-rc.1", "2.0.0-rc.10", "2.0.0-rc.2"]
    assert sorted(versions, key=version_key) == ["1.9.0", "1.10.0", "2.0.0-rc.1", "2.0.0-rc.2", "2.0.0-rc.10", "2.0.0"]


def test_the_latest_version_that_runs_declares() -> None:
    """A version that is kept but does not run says nothing while another one runs."""
    old, new = Declaration(routes=(route("/old"),)), Declaration(routes=(route("/new"),))
    known = ServiceSnapshot(name="shop", declarations={"1.0.0": old, "2.0.0": new})
    runs = InstanceSnapshot(instance_id="a", url="http://10.0.0.1", version="1.0.0")
    assert known.declaration == new
    assert known.model_copy(update={"instances": (runs,)}).declaration == old


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 25), max_size=4),
    st.lists(st.sampled_from("abcd"), max_size=6),
)
def test_shares_are_whole(weights: dict[str, int], running: list[str]) -> None:
    """Whatever runs and whatever is wanted, shares are of versions that run, none is negative, and together they are all."""
    shop = service(route("/"), versions=tuple(running) or ("a",), weights=weights)
    (edge_service,) = build_edge(EdgeSnapshot(services=(shop,))).services
    shares = dict(edge_service.shares)
    assert not shares or (sum(shares.values()) == 10_000 and min(shares.values()) >= 0)
    assert set(shares) <= {*(running or ["a"])}


def test_conflicts_are_found() -> None:
    """Routes for the same requests, names that the gateway needs, addresses that it cannot use, weights for nothing, lost routes."""
    assert rules(service(route("/a/{x}"), route("/a/{y}"))) == [("error", "ambiguous-route")]
    assert rules(service(route("/a/{x}", methods=("GET",)), route("/a/{y}", methods=("POST",)))) == []
    assert rules(service(route("/a"), weights={"9.0.0": 5})) == [("warning", "weight-without-instances")]
    assert rules(service(route("/ops/x", public=True), hidden=("/ops",))) == [("warning", "public-below-hidden")]
    assert rules(service(route("/a"), url="http://10.0.0.1/below")) == [("error", "instance-below-path")]
    assert rules(ServiceSnapshot(name="health", declarations={"1": Declaration()})) == [("error", "reserved-name")]
    runs = tuple(
        InstanceSnapshot(instance_id=v, url=u, version=v)
        for v, u in (("1", "http://10.0.0.1"), ("2", "https://10.0.0.1"))
    )
    assert rules(ServiceSnapshot(name="x", instances=runs)) == [("warning", "undeclared")]
    both = {"1": Declaration(routes=(route("/a"), route("/b"))), "2": Declaration(routes=(route("/b"),))}
    assert rules(ServiceSnapshot(name="x", declarations=both, instances=runs)) == [
        ("error", "mixed-schemes"),
        ("warning", "route-lost"),
    ]


def test_what_is_left_out_gets_no_traffic() -> None:
    """An instance whose address the gateway cannot use is no endpoint; one with a name is."""
    shop = service(route("/a"), url="http://10.0.0.1/below")
    assert build_edge(EdgeSnapshot(services=(shop,))).services[0].endpoints == ()
    named = service(route("/a"), url="http://shop.internal:81")
    (endpoint,) = build_edge(EdgeSnapshot(services=(named,))).services[0].endpoints
    assert (endpoint.host, endpoint.port, endpoint.is_address) == ("shop.internal", 81, False)
    local = service(route("/a"), url="http://localhost:81")
    assert build_edge(EdgeSnapshot(services=(local,))).services[0].endpoints[0].host == "127.0.0.1"
    assert isinstance(build_edge(EdgeSnapshot(services=(local,))).routes[0], EdgeRoute)
