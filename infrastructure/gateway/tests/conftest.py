"""One set of declarations for all tests of rendering."""

from datetime import timedelta

import pytest

from maestro_core_api.gateway import Declaration, DeclaredRoute, GatewayCORS, GatewayRateLimit, GatewayRetries
from maestro_gateway import EdgeIssuer, EdgeSettings, EdgeSnapshot, InstanceSnapshot, ServiceSnapshot

LIMIT = GatewayRateLimit(rule="per-caller", limit=100, period=timedelta(minutes=1), burst=20)
OPERATORS = ("operator", "approver", "admin")


@pytest.fixture
def snapshot() -> EdgeSnapshot:
    """A shop in two versions, one of them a canary, and a service of which nothing runs."""
    shop = Declaration(
        hidden=("/ops", "/metrics"),
        weights={"2.0.0": 10},
        routes=(
            DeclaredRoute(
                path="/about", is_prefix=False, methods=("GET", "HEAD"), authentication="public", max_body_bytes=1_024
            ),
            DeclaredRoute(
                path="/orders/{id}",
                is_prefix=False,
                methods=("DELETE", "GET", "HEAD", "POST"),
                roles=OPERATORS,
                role_rule="role:operator",
                scopes=("orders:write",),
                rate_limits=(LIMIT,),
                timeout=timedelta(seconds=5),
                retries=GatewayRetries(attempts=1, per_try_timeout=timedelta(seconds=2)),
                cors=GatewayCORS(origins=("https://*.shop.example",)),
                max_body_bytes=1_024,
            ),
            DeclaredRoute(path="/files", is_prefix=True, authentication="jwt-or-api-key", max_body_bytes=1_048_576),
        ),
    )
    quiet = Declaration(
        routes=(DeclaredRoute(path="/{rest:path}", is_prefix=False, methods=("GET",), max_body_bytes=1_024),)
    )
    return EdgeSnapshot(
        services=(
            ServiceSnapshot(
                name="shop",
                declarations={"1.0.0": shop, "2.0.0": shop},
                instances=(
                    InstanceSnapshot(instance_id="a", url="http://10.0.0.1:8000", version="1.0.0"),
                    InstanceSnapshot(instance_id="b", url="http://10.0.0.2:8000", version="1.0.0"),
                    InstanceSnapshot(instance_id="c", url="http://10.0.0.3:8000", version="2.0.0"),
                ),
            ),
            ServiceSnapshot(name="quiet", declarations={"1.0.0": quiet}),
        )
    )


@pytest.fixture
def settings() -> EdgeSettings:
    """A gateway process that trusts the platform and somebody else."""
    return EdgeSettings(
        port=8_080,
        issuers=(
            EdgeIssuer(name="maestro", issuer="maestro", jwks_file="/run/gateway/jwks.json"),
            EdgeIssuer(
                name="issuer-1",
                issuer="https://id.example",
                audiences=("maestro",),
                jwks_url="https://id.example/keys",
                jwks_cluster="maestro.keys.1",
                roles_claim=("realm_access", "roles"),
                grantable_roles=("viewer", "operator"),
            ),
        ),
    )
