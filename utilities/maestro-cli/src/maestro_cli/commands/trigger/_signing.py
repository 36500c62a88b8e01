"""Making a test delivery, signed as its sender would."""

import base64
import binascii
import hashlib
import hmac
import json
import shlex
import time
import uuid
from pathlib import Path
from typing import Any, Final

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import InputError
from maestro_cli.commands._options import examples, json_option

from ._gateway import Gateway

_PREFIX: Final = "whsec_"


@click.command("sign", short_help="Make a test delivery.")
@click.argument("name")
@click.option(
    "--secret", envvar="MAESTRO_TRIGGER_SECRET", show_envvar=True, required=True, help="A key of the webhook."
)
@click.option("--data", "-d", default="{}", show_default=True, help="The body.")
@click.option(
    "--data-file", type=click.Path(dir_okay=False, path_type=Path, exists=True), help="The body, from a file."
)
@click.option("--id", "message_id", help="The message's id; the same again is the same delivery.  [default: a new one]")
@click.option("--github", is_flag=True, help="Sign as GitHub does, instead of as Standard Webhooks.")
@click.option("--send", is_flag=True, help="Send it, and print the answer.")
@json_option
@examples("maestro trigger sign shop-orders --data '{\"order\": 17}' --send")
@click.pass_obj
def sign_delivery(
    gateway: Gateway,
    name: str,
    secret: str,
    data: str,
    data_file: Path | None,
    message_id: str | None,
    github: bool,
    send: bool,
    as_json: bool,
) -> None:
    """Sign a delivery for the webhook NAME: print the command that sends it, or send it."""
    body = data.encode() if data_file is None else data_file.read_bytes()
    identity = message_id or f"msg_{uuid.uuid4().hex}"
    headers = {"content-type": "application/json"}
    headers |= _github(secret, identity, body) if github else _standard(secret, identity, body)
    url = f"{gateway.base_url()}/hooks/{name}"
    if send:
        _send(url, headers, body, as_json=as_json)
    elif as_json:
        render.print_json({"url": url, "headers": headers, "body": body.decode(errors="replace")})
    else:
        words = ["curl", "-X", "POST", url]
        for header, value in headers.items():
            words += ["-H", f"{header}: {value}"]
        source = f"@{data_file}" if data_file is not None else data
        click.echo(shlex.join([*words, "--data-binary", source]))


def _send(url: str, headers: dict[str, str], body: bytes, *, as_json: bool) -> None:
    import httpx2  # noqa: PLC0415 - signing alone does without

    try:
        answer = httpx2.post(url, content=body, headers=headers, timeout=30, trust_env=False)
    except httpx2.TransportError as error:
        raise InputError(f"{url} cannot be reached: {error}") from error
    found: Any = json.loads(answer.content)
    if answer.status_code >= 400:
        raise InputError(f"{answer.status_code} {found.get('error_code')}: {found.get('detail') or found.get('title')}")
    if as_json:
        render.print_json(found)
        return
    told = f"Delivery {found['delivery_id']} is {found['status']}"
    run = f"; its run is {found['run_id']}" if found["run_id"] else ""
    render.err().print(f"{told}{run}.", markup=False, soft_wrap=True)


def _standard(secret: str, identity: str, body: bytes) -> dict[str, str]:
    """Sign as Standard Webhooks does: HMAC-SHA256 of id, time and body."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise InputError(f"the secret must be {_PREFIX} and base64; --github takes any text") from None
    at = str(int(time.time()))
    mac = hmac.digest(key, b".".join((identity.encode(), at.encode(), body)), "sha256")
    return {
        "webhook-id": identity,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def _github(secret: str, identity: str, body: bytes) -> dict[str, str]:
    """Sign as GitHub does: HMAC-SHA256 of the body."""
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-github-delivery": identity, "x-hub-signature-256": f"sha256={mac}"}
