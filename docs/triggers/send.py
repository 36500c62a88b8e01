"""A sender: signs a message as Standard Webhooks does."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any


def signed(secret: str, message_id: str, payload: Any) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a message; each attempt is signed anew, with the same id."""
    body = json.dumps(payload).encode()
    at = str(int(time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return body, {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
