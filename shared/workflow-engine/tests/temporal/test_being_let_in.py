"""TLS, client certificates and API keys against a server that insists on them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from temporal_gates import Authority, Gate, gate

from maestro_workflow_engine import ClusterUnreachableError, WorkflowEngine, step, workflow
from maestro_workflow_engine.temporal import _key_file

SOON = timedelta(seconds=30)


@step
async def twice(n: int) -> int:
    return 2 * n


@workflow
async def doubled(n: int) -> int:
    return await twice(n)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.fixture
def through(cluster: str) -> Callable[..., str]:
    """The URL of the cluster behind a gate."""

    def url(at: Gate, **options: object) -> str:
        said = "".join(f"&{name}={value}" for name, value in options.items())
        return re.sub(r":\d+/", f":{at.port}/", cluster, count=1) + said

    return url


@pytest.fixture
def behind(cluster: str) -> str:
    return urlsplit(cluster).netloc


async def runs(url: str) -> None:
    async with WorkflowEngine(url, workflows=[doubled]) as engine:
        assert await (await engine.start(doubled, 4)).result(SOON) == 8


async def refused(url: str) -> str:
    """Return what is said to one who is not let in."""
    with pytest.raises(ClusterUnreachableError) as caught:
        async with WorkflowEngine(url, workflows=[doubled]):
            raise AssertionError("it was let in")
    assert caught.value.target in str(caught.value)
    return str(caught.value)


async def test_the_server_is_known_by_its_authority(authority: Authority, behind: str, through, tmp_path: Path):
    """With the right authority everything works over TLS; without it, with another one or without TLS, nothing does."""
    other = Authority(tmp_path, "other")
    async with gate(behind, authority.issue("server")) as at:
        await runs(through(at, server_ca=authority.ca))
        assert "server_ca=FILE" in await refused(through(at, server_ca=other.ca))
        assert "server_ca=FILE" in await refused(through(at, tls=1))
        assert "tls=1" in await refused(through(at))


async def test_an_expired_server_is_not_trusted(authority: Authority, behind: str, through):
    """The error says which side has to renew."""
    async with gate(behind, authority.issue("server", is_expired=True)) as at:
        assert "the server's certificate has expired" in await refused(through(at, server_ca=authority.ca))


async def test_a_server_without_tls_is_told_from_one_with_another_certificate(authority: Authority, cluster: str):
    """Who asks for TLS where there is none is told to leave it out."""
    assert "does not speak TLS" in await refused(f"{cluster}&server_ca={authority.ca}")


async def test_the_client_is_known_by_its_certificate(authority: Authority, behind: str, through, tmp_path: Path):
    """mTLS: the right certificate is let in; none, a stranger's and an expired one are not."""
    stranger = Authority(tmp_path, "stranger").issue("from-elsewhere")
    expired = authority.issue("expired", is_expired=True)
    client = authority.issue("client")
    async with gate(behind, authority.issue("server"), clients=authority) as at:
        ca = {"server_ca": authority.ca}
        await runs(through(at, **ca, client_cert=client.cert, client_key=client.key))
        for url in (
            through(at, **ca),
            through(at, **ca, client_cert=stranger.cert, client_key=stranger.key),
            through(at, **ca, client_cert=expired.cert, client_key=expired.key),
            through(at, **ca, client_cert=client.cert, client_key=expired.key),
        ):
            assert "client_cert" in await refused(url)


async def test_every_call_brings_the_api_key(authority: Authority, behind: str, through, tmp_path: Path):
    """As a bearer token; with a wrong one nobody is let in, and the error names the option."""
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("s3cret\n")
    wrong.write_text("guess\n")
    async with gate(behind, authority.issue("server"), keys=["s3cret"]) as at:
        await runs(through(at, server_ca=authority.ca, api_key_file=right))
        assert at.brought == {"Bearer s3cret"}
        said = await refused(through(at, server_ca=authority.ca, api_key_file=wrong))
        assert "api_key_file" in said
        assert "guess" not in said


async def test_a_rotated_key_is_taken_without_a_restart(
    authority: Authority, behind: str, through, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The file is read again; the engine that is open goes on with what it holds by then."""
    monkeypatch.setattr(_key_file, "READ_AGAIN_S", 0.02)
    file = tmp_path / "key"
    file.write_text("first")
    async with gate(behind, authority.issue("server"), keys=["first", "second"]) as at:
        url = through(at, server_ca=authority.ca, api_key_file=file)
        async with WorkflowEngine(url, workflows=[doubled]) as engine:
            assert await (await engine.start(doubled, 1)).result(SOON) == 2
            file.unlink()  # some tools replace it in two steps
            file.write_text("")
            file.write_text("second")
            async with asyncio.timeout(20):
                while "Bearer second" not in at.brought:
                    await engine.count()
            at.keys = ["second"]
            assert await (await engine.start(doubled, 2)).result(SOON) == 4
