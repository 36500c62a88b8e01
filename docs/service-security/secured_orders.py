"""Who may call: the platform's own tokens, those of a login service, roles and scopes."""

from typing import Annotated

from fastapi import Depends
from pydantic import SecretStr

from maestro_core_api import (
    APIConfig,
    MaestroAPI,
    Principal,
    SecurityConfig,
    TrustedIssuer,
    current_principal,
    public,
    require_role,
    require_scope,
)

# region: security
security = SecurityConfig(
    jwt_secret_key=SecretStr("replace-this-by-at-least-32-bytes"),  # HS256, issuer "maestro"
    audience="orders",
    issuers=(
        TrustedIssuer(
            issuer="https://login.example",
            jwks_url="https://login.example/.well-known/jwks.json",
            algorithms=("RS256", "ES256"),
            roles_claim="realm_access.roles",
            grantable_roles=frozenset({"viewer", "operator"}),  # nobody becomes an admin from outside
        ),
    ),
)
app = MaestroAPI(APIConfig(title="Orders API", service_name="orders", security=security))
# endregion: security


# region: access
@app.get("/about")
@public
async def about() -> dict[str, str]:
    return {"about": "orders"}


@app.get("/me")
async def me(principal: Annotated[Principal, Depends(current_principal)]) -> dict[str, str | None]:
    return {"subject": principal.subject, "issuer": principal.issuer}


@app.delete("/orders/{number}", dependencies=[Depends(require_role("operator"))])
async def cancel(number: int) -> None: ...


@app.post("/orders", dependencies=[Depends(require_scope("orders:write"))])
async def create() -> None: ...


# endregion: access
