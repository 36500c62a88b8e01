"""What is asked: a read and a write, both with a token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from benchmarks.core_api.apps import CLAIMS, SECRET
from benchmarks.engine._http_load import request


def _token() -> str:
    head = _text(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    signed = f"{head}.{_text(json.dumps(CLAIMS).encode())}"
    return f"{signed}.{_text(hmac.digest(SECRET.encode(), signed.encode(), hashlib.sha256))}"


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


TOKEN = _token()
ORDER = {"name": "x", "quantity": 3}
BODY = json.dumps(ORDER, separators=(",", ":")).encode()
REQUESTS = {"read": request("GET", "/items/17", TOKEN), "write": request("POST", "/orders", TOKEN, ORDER)}
EXPECTED = {"read": {"number": 17}, "write": {"name": "x", "total": 9}}
