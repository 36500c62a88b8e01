import asyncio
from datetime import timedelta
from typing import Any

import pytest
from fastapi import Request

from maestro_core_api import APIClient, ClientConfig, RemoteAPIException, issue_token, public
from maestro_core_api.testing import running

SEEN = ("authorization", "x-api-key", "x-request-id", "x-request-timeout-ms")


def relay(app: Any, client: APIClient, url: str) -> None:
    """Add endpoints that call on with a client."""

    @app.get("/relay")
    async def protected() -> Any:
        return (await client.get(url)).json()

    @app.get("/open-relay")
    @public
    async def unprotected() -> Any:
        return (await client.get(url)).json()


def mirror(app: Any) -> None:
    """Add an endpoint that shows the headers that came."""

    @app.get("/mirror")
    @public
    async def show(request: Request) -> dict[str, str]:
        return {name: request.headers[name] for name in SEEN if name in request.headers}


async def test_token_and_api_key_are_sent(make_app: Any) -> None:
    """A client shows its own token and key, whatever calls it serves; its headers replace them in any case of letters."""
    app = make_app()
    mirror(app)
    async with running(app) as url, APIClient(url, token=lambda: "t-1", api_key="k-1") as client:
        seen = (await client.get("/mirror")).json()
        assert (seen["authorization"], seen["x-api-key"]) == ("Bearer t-1", "k-1")
        seen = (await client.get("/mirror", headers={"AUTHORIZATION": "Bearer other", "x-API-key": "k-2"})).json()
        assert (seen["authorization"], seen["x-api-key"]) == ("Bearer other", "k-2")


async def test_the_callers_identity_is_handed_on_by_option(make_app: Any, registry: Any, secret: str) -> None:
    """With identity="caller" the services behind see who asked; the client's own token is for calls of its own."""
    front, back = make_app(service_name="front"), make_app(service_name="back")
    mirror(back)
    token = issue_token(secret, subject="ada", roles=["viewer"])
    config = ClientConfig(identity="caller")
    async with running(registry.app) as registry_url, running(back) as back_url:
        registry.add("back", back_url)
        options: dict[str, Any] = {"token": "own", "api_key": "own", "config": config}
        registered = APIClient(registry_url=registry_url, **options)
        async with registered, APIClient(back_url, **options) as inner:
            relay(front, inner, "/mirror")
            async with running(front) as front_url, APIClient(front_url, token=token) as outer:
                seen = (await outer.get("/relay")).json()
            assert (seen["authorization"], "x-api-key" in seen) == (f"Bearer {token}", False)
            assert (await inner.get("/mirror")).json()["authorization"] == "Bearer own"


async def test_what_nobody_verified_is_not_handed_on(make_app: Any) -> None:
    """A public endpoint's caller has no identity: its header is not passed on, nor is the service's own in its place."""
    front, back = make_app(), make_app()
    mirror(back)
    async with (
        running(back) as back_url,
        APIClient(back_url, token="own", config=ClientConfig(identity="caller")) as inner,
    ):
        relay(front, inner, "/mirror")
        async with running(front) as front_url, APIClient(front_url, token="forged") as outer:
            assert "authorization" not in (await outer.get("/open-relay")).json()


async def test_a_caller_s_token_never_goes_to_an_address(make_app: Any, secret: str) -> None:
    """An absolute URL may be anybody's: the caller's token stays here."""
    front, back = make_app(), make_app()
    mirror(back)
    async with running(back) as back_url, APIClient(config=ClientConfig(identity="caller")) as inner:
        relay(front, inner, f"{back_url}/mirror")
        token = issue_token(secret, subject="ada", roles=["admin"])
        async with running(front) as front_url, APIClient(front_url, token=token) as outer:
            seen = (await outer.get("/relay", headers={"x-request-id": "abc-1"})).json()
    assert "authorization" not in seen
    assert seen["x-request-id"] == "abc-1"


async def test_the_time_that_is_left_is_handed_on(make_app: Any, secret: str) -> None:
    """Each service learns how long its caller waits, never more than the one before allowed."""
    front, back = make_app(), make_app()
    mirror(back)
    token = issue_token(secret, subject="ada", roles=["admin"])
    async with running(back) as back_url, APIClient(back_url, token=token) as inner:
        relay(front, inner, "/mirror")
        config = ClientConfig(total_timeout=timedelta(seconds=50))
        async with running(front) as front_url, APIClient(front_url, token=token, config=config) as outer:
            seen = (await outer.get("/relay")).json()
            assert 0 < int(seen["x-request-timeout-ms"]) <= 50_000
            own = (await inner.get("/mirror")).json()
            assert 50_000 < int(own["x-request-timeout-ms"]) <= 300_000
            for odd in ("-5", "soon", "9" * 30, "1e3"):
                seen = (await outer.get("/relay", headers={"x-request-timeout-ms": odd})).json()
                assert int(seen["x-request-timeout-ms"]) > 50_000


async def test_work_that_outlives_its_request_has_time(make_app: Any, raw: Any, answer: Any, secret: str) -> None:
    """A task left in the background, and a client whose work is not the caller's, keep their own limits."""
    front, back = make_app(), await raw(answer(200))
    over, done = asyncio.Event(), []
    background: list[asyncio.Task[None]] = []

    @front.post("/own")
    async def begin() -> None:
        async def later() -> None:
            await over.wait()
            done.append((await patient.get("/later")).status_code)
            done.append((await hurried.get("/later")).status_code)

        done.append((await patient.get("/now")).status_code)
        background.append(asyncio.create_task(later()))

    token = issue_token(secret, subject="ada", roles=["admin"])
    own = ClientConfig(deadline="own")
    async with (
        APIClient(back.url, config=own) as patient,
        APIClient(back.url) as hurried,
        running(front) as url,
        APIClient(url, token=token) as outer,
    ):
        await outer.post("/own", headers={"x-request-timeout-ms": "0"})
        over.set()
        await asyncio.wait_for(background[0], 10)
    assert done == [200, 200, 200]


async def test_no_call_is_made_for_someone_who_is_gone(make_app: Any, raw: Any, answer: Any, secret: str) -> None:
    """When the caller's time is over, the call fails, if possible unsent, and the service behind is not blamed for it."""

    async def hang(writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    front, back = make_app(), await raw(*[hang] * 12, answer(200))
    token = issue_token(secret, subject="ada", roles=["admin"])
    async with APIClient(back.url, token=token) as inner:
        relay(front, inner, "/orders")
        config = ClientConfig(circuit=None)
        async with running(front) as front_url, APIClient(front_url, token=token, retries=0, config=config) as outer:
            for left_ms in ("0", "100"):
                for _ in range(12):
                    with pytest.raises(RemoteAPIException, match="no answer within the time") as raised:
                        await outer.get("/relay", headers={"x-request-timeout-ms": left_ms})
                    assert raised.value.error_code == "DEADLINE_EXCEEDED"
                if left_ms == "0":
                    assert back.count == 0
        back._answers[:] = [answer(200)]
        await inner.get("/orders")
