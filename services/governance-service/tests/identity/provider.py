"""A small OpenID Connect provider: `python provider.py PORT`. It does what the standard says, unless `/misbehave` tells it otherwise."""

import base64
import hashlib
import json
import secrets
import sys
import time
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID = "governance"
CLIENT_SECRET = "a-client-secret-of-the-provider"
KEYS = {"first": RSAKey.generate_key(2048, {"kid": "first"}), "second": RSAKey.generate_key(2048, {"kid": "second"})}
STRANGER = RSAKey.generate_key(2048, {"kid": "first"})


class Provider:
    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.codes: dict[str, dict[str, str]] = {}
        self.user: dict[str, Any] = {"sub": "1", "preferred_username": "Ada", "groups": ["staff"]}
        self.odd: dict[str, Any] = {}
        self.key = "first"

    async def discovery(self, _request: Request) -> Response:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return JSONResponse({**document, **self.odd.get("discovery", {})})

    async def keys(self, _request: Request) -> Response:
        return JSONResponse({"keys": [KEYS[self.key].as_dict(private=False)]})

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        if asked["client_id"] != CLIENT_ID or asked.get("code_challenge_method") != "S256":
            return JSONResponse({"error": "invalid_request"}, 400)
        if error := self.odd.get("error"):
            back = {"error": error, "state": asked["state"]}
        else:
            code = secrets.token_urlsafe(16)
            self.codes[code] = asked
            back = {"code": code, "state": asked["state"], "iss": self.odd.get("iss", self.issuer)}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 302)

    async def token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        given = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {given}":
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        fits = (
            asked is not None and asked["code_challenge"] == challenge and asked["redirect_uri"] == form["redirect_uri"]
        )
        if asked is None or not fits:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 60,
            "nonce": asked["nonce"],
            **self.user,
        }
        claims = {name: value for name, value in {**claims, **self.odd.get("claims", {})}.items() if value is not None}
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": self.signed(claims)})

    def signed(self, claims: dict[str, Any]) -> str:
        match self.odd.get("sign"):
            case "none":
                parts = [{"alg": "none"}, claims]
                texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
                return ".".join([*texts, ""])
            case "stranger":
                return jwt.encode({"alg": "RS256", "kid": "first"}, claims, STRANGER)
            case "public-as-secret":
                secret = OctKey.import_key(KEYS["first"].as_pem(private=False).replace(b"-", b"."))
                return jwt.encode({"alg": "HS256", "kid": "first"}, claims, secret)
        return jwt.encode({"alg": "RS256", "kid": self.key}, claims, KEYS[self.key])

    async def misbehave(self, request: Request) -> Response:
        told = await request.json()
        self.odd = told.get("odd", {})
        self.user = told.get("user", self.user)
        self.key = told.get("key", self.key)
        return JSONResponse({})


def main(port: int) -> None:
    provider = Provider(port)
    routes = [
        Route("/.well-known/openid-configuration", provider.discovery),
        Route("/keys", provider.keys),
        Route("/authorize", provider.authorize),
        Route("/token", provider.token, methods=["POST"]),
        Route("/misbehave", provider.misbehave, methods=["POST"]),
    ]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]))
