"""A file of credentials, at a server that wants one."""

import base64
import gc
import hashlib
import json
import secrets
import time

import nkeys
import pytest
from pydantic import BaseModel

from maestro_core_messaging import Broker, BrokerRefusedError, EventType, MessagingSettings
from maestro_core_messaging.testing import NatsServer

CREDENTIALS = """\
-----BEGIN NATS USER JWT-----
{jwt}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
{seed}
------END USER NKEY SEED------
"""
UNLIMITED = dict.fromkeys(
    (
        "subs",
        "data",
        "payload",
        "imports",
        "exports",
        "conn",
        "leaf",
        "mem_storage",
        "disk_storage",
        "streams",
        "consumer",
    ),
    -1,
)


class Paid(BaseModel):
    number: int


PAID = EventType("orders.order.paid", 1, Paid)


def pair(prefix):
    return nkeys.from_seed(nkeys.encode_seed(secrets.token_bytes(32), prefix))


def signed(signer, subject, **claims):
    """Return the JWT of a subject, as NATS has it."""

    def written(value) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    body = {
        "iat": int(time.time()),
        "iss": signer.public_key.decode(),
        "name": "test",
        "sub": subject.public_key.decode(),
        "nats": {"version": 2, **claims},
    }
    body["jti"] = base64.b32encode(hashlib.sha256(json.dumps(body).encode()).digest()).rstrip(b"=").decode()
    head = written(b'{"typ":"JWT","alg":"ed25519-nkey"}') + "." + written(json.dumps(body).encode())
    return f"{head}.{written(signer.sign(head.encode()))}"


def credentials(path, account):
    user = pair(nkeys.PREFIX_BYTE_USER)
    jwt = signed(account, user, type="user", subs=-1, data=-1, payload=-1)
    path.write_text(CREDENTIALS.format(jwt=jwt, seed=user.seed.decode()))
    return path


# The client of NATS leaves the socket of a connection that is refused to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_file_of_credentials_lets_in(tmp_path) -> None:
    """With those of an account of the server it opens; without any, or with those of another account, it is refused."""
    operator, account = pair(nkeys.PREFIX_BYTE_OPERATOR), pair(nkeys.PREFIX_BYTE_ACCOUNT)
    known = signed(operator, account, type="account", limits=UNLIMITED)
    system = pair(nkeys.PREFIX_BYTE_ACCOUNT)
    limits = {name: 0 if "storage" in name or name in ("streams", "consumer") else -1 for name in UNLIMITED}
    of_system = signed(operator, system, type="account", limits=limits)
    (tmp_path / "nats.conf").write_text(
        f"operator: {signed(operator, operator, type='operator')}\n"
        f"resolver: MEMORY\nsystem_account: {system.public_key.decode()}\nresolver_preload: {{\n"
        f"  {account.public_key.decode()}: {known}\n  {system.public_key.decode()}: {of_system}\n}}\n"
    )
    own = credentials(tmp_path / "own.creds", account)
    foreign = credentials(tmp_path / "foreign.creds", pair(nkeys.PREFIX_BYTE_ACCOUNT))
    with NatsServer(tmp_path / "nats", options=("--config", str(tmp_path / "nats.conf"))) as server:
        settings = MessagingSettings(messaging_url=server.url, messaging_credentials=own)
        async with Broker.opened(settings, service_name="orders") as broker:
            await broker.publish(PAID, Paid(number=1))
        for refused in (None, foreign):
            told = await _refusal(MessagingSettings(messaging_url=server.url, messaging_credentials=refused))
            assert "MAESTRO_MESSAGING_CREDENTIALS" in told
        gc.collect()


async def _refusal(settings) -> str:
    try:
        async with Broker.opened(settings, service_name="orders"):
            raise AssertionError
    except BrokerRefusedError as error:
        return str(error)
