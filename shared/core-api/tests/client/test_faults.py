import asyncio
from datetime import timedelta
from typing import Any

import pytest

from maestro_core_api import (
    APIClient,
    APIException,
    BadGatewayException,
    ClientConfig,
    RemoteAPIException,
    RetryConfig,
    ServiceUnavailableException,
)
from maestro_core_api._server import bind

QUICK = ClientConfig(retry=RetryConfig(first_pause=timedelta(milliseconds=1)), circuit=None)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Reset the connection without a word."""
    writer.transport.abort()


async def hang(writer: asyncio.StreamWriter) -> None:
    """Say nothing."""
    await asyncio.Event().wait()


async def trickle(writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then, for ever."""
    writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.005)


HALF = b'HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\n{"half"'
FAULTS: list[Any] = [
    pytest.param(hang_up, id="reset"),
    pytest.param(b"", id="closed"),
    pytest.param(b"HTTP/1.1 200", id="half a head"),
    pytest.param(b"what?\r\n\r\n", id="no HTTP"),
    pytest.param(HALF, id="half a body"),
    pytest.param(b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{}", id="half a chunk"),
    pytest.param(b"HTTP/1.1 200 X\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}", id="two lengths"),
    pytest.param(b"HTTP/1.1 503 X\r\ncontent-length: 100\r\n\r\n{", id="half an error"),
]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_broken_answer_is_overcome_when_the_call_may_be_made_again(raw: Any, answer: Any, fault: Any) -> None:
    """Whatever breaks on the way, a GET and a POST with a key are made again, and a plain POST is not."""
    for method, headers, tries in (("GET", {}, 2), ("POST", {"Idempotency-Key": "k"}, 2), ("POST", {}, 1)):
        server = await raw(fault, answer(200, '{"number": 7}'))
        async with APIClient(server.url, config=QUICK) as client:
            call = client.request(method, "/orders", headers=headers)
            if tries == 2:
                assert (await call).json() == {"number": 7}
            else:
                with pytest.raises(ServiceUnavailableException, match=r"POST http.*/orders") as raised:
                    await call
                assert raised.value.error_code == "SERVICE_UNREACHABLE"
        assert server.count == tries


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_broken_stream_is_an_error_of_ours(raw: Any, fault: Any) -> None:
    """No exception of the HTTP library comes out, wherever a streamed answer breaks."""
    server = await raw(fault)
    async with APIClient(server.url, retries=0, config=QUICK) as client:
        with pytest.raises(ServiceUnavailableException) as raised:
            async with client.stream("GET", "/orders") as response:
                await response.aread()
    assert raised.value.error_code == "SERVICE_UNREACHABLE"


async def test_an_answer_that_lies_about_its_coding_is_named(raw: Any, answer: Any) -> None:
    """A body that is not compressed as it says is a 502 of its own code."""
    server = await raw(answer(200, "not gzip", content_encoding="gzip"))
    async with APIClient(server.url, retries=0) as client:
        with pytest.raises(BadGatewayException) as raised:
            await client.get("/orders")
    assert raised.value.error_code == "ANSWER_UNREADABLE"


@pytest.mark.parametrize("fault", [hang, trickle])
async def test_the_whole_call_has_a_limit(raw: Any, fault: Any) -> None:
    """Neither silence nor an answer that never ends holds a call longer than total_timeout."""
    server = await raw(fault)
    config = ClientConfig(total_timeout=timedelta(milliseconds=200))
    async with APIClient(server.url, config=config) as client:
        with pytest.raises(ServiceUnavailableException, match="GET /orders") as raised:
            await client.get("/orders")
    assert (raised.value.error_code, raised.value.status_code) == ("DEADLINE_EXCEEDED", 504)
    assert server.count == 1


async def test_a_pause_that_would_end_too_late_is_not_made(raw: Any, answer: Any) -> None:
    """When the deadline comes before the next attempt, the failure is told at once, not the deadline."""
    server = await raw(answer(503, '{"error_code": "BUSY"}', retry_after=9))
    async with APIClient(server.url, config=ClientConfig(total_timeout=timedelta(seconds=5))) as client:
        with pytest.raises(RemoteAPIException) as raised:
            await client.get("/orders")
    assert (raised.value.error_code, server.count) == ("BUSY", 1)


async def test_retry_after_beyond_the_limit_fails_at_once(raw: Any, answer: Any) -> None:
    """A service that asks to stay away for an hour is not asked again, and the error says for how long."""
    server = await raw(answer(429, "{}", retry_after=3600))
    async with APIClient(server.url) as client:
        with pytest.raises(RemoteAPIException) as raised:
            await client.get("/orders")
    assert (server.count, raised.value.retry_after) == (1, timedelta(hours=1))


async def test_a_problem_comes_back_with_all_its_members(raw: Any, answer: Any) -> None:
    """Type, code, trace, rule and wait of a remote problem are attributes of the exception."""
    problem = (
        '{"type": "https://x.example/limits", "title": "Slow down", "error_code": "RATE_LIMITED", '
        '"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "rule": "per-caller", "retry_after": 1.5}'
    )
    server = await raw(answer(429, problem, content_type="application/problem+json"), answer(404, "[1]"))
    async with APIClient(server.url, retries=0) as client:
        with pytest.raises(RemoteAPIException) as raised:
            await client.get("/orders")
        with pytest.raises(RemoteAPIException) as bare:
            await client.get("/orders")
    error = raised.value
    assert (error.type, error.error_code, error.rule) == ("https://x.example/limits", "RATE_LIMITED", "per-caller")
    assert (error.trace_id, error.retry_after) == ("4bf92f3577b34da6a3ce929d0e0e4736", timedelta(seconds=1.5))
    assert (bare.value.type, bare.value.trace_id, bare.value.retry_after) == ("about:blank", None, None)


async def test_retries_do_not_multiply_an_outage(raw: Any, answer: Any) -> None:
    """When everything fails, a service gets the calls, a fifth of them again and the floor, and the error says why."""
    server = await raw(answer(503))
    retry = RetryConfig(first_pause=timedelta(0), budget_share=0.2, budget_floor=3)
    async with APIClient(server.url, config=ClientConfig(retry=retry, circuit=None)) as client:
        errors = await asyncio.gather(*(client.get("/orders") for _ in range(50)), return_exceptions=True)
    assert all(isinstance(error, APIException) for error in errors)
    assert 50 < server.count <= 50 + 10 + 3 + 10  # the ten: calls and retries may fall into two windows of ten seconds
    notes = [note for error in errors if isinstance(error, APIException) for note in getattr(error, "__notes__", ())]
    assert "are used up for now" in notes[0]


async def test_a_service_that_fails_is_left_alone_and_asked_again(raw: Any, answer: Any) -> None:
    """After ten failures no call is sent; the refusal names service, count and wait, and a probe brings it back."""
    server = await raw(*[answer(503)] * 10, answer(200))
    async with APIClient(server.url, retries=0) as client:
        for _ in range(10):
            with pytest.raises(RemoteAPIException):
                await client.post("/orders")
        host = server.url.removeprefix("http://")
        with pytest.raises(ServiceUnavailableException, match=f"10 of the last 10 calls to {host} failed") as raised:
            await client.get("/orders")
        assert server.count == 10
        assert raised.value.error_code == "CIRCUIT_OPEN"
        assert 0 < raised.value.extra["retry_after"] <= 1.2
        assert int(raised.value.headers["Retry-After"]) >= 1
        async with asyncio.timeout(30):
            while True:
                try:
                    await client.get("/orders")
                    break
                except ServiceUnavailableException as error:
                    await asyncio.sleep(error.extra["retry_after"])
    assert server.count == 11


async def test_answers_about_one_request_do_not_open_the_circuit(raw: Any, answer: Any) -> None:
    """404, 429 and 500 say that the service answers."""
    server = await raw(*[answer(status) for status in (404, 429, 500) for _ in range(10)], answer(200))
    async with APIClient(server.url, retries=0) as client:
        for _ in range(30):
            with pytest.raises(RemoteAPIException):
                await client.get("/orders")
        await client.get("/orders")
    assert server.count == 31


async def test_refused_connections_open_the_circuit_of_one_host_only(raw: Any, answer: Any) -> None:
    """What is gone is left alone; another host is asked as ever."""
    with bind("127.0.0.1", 0) as listener:
        gone = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = await raw(answer(200))
    async with APIClient(retries=0) as client:
        codes = []
        for _ in range(11):
            with pytest.raises(ServiceUnavailableException) as raised:
                await client.get(gone)
            codes.append(raised.value.error_code)
        await client.get(server.url)
    assert codes == ["SERVICE_UNREACHABLE"] * 10 + ["CIRCUIT_OPEN"]


async def test_more_calls_than_connections_wait_and_then_say_so(raw: Any) -> None:
    """A client whose connections are all in use says which option to raise, and does not blame the service."""
    head = b"HTTP/1.1 200 X\r\ncontent-length: 9\r\n\r\n"

    async def begin(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        await asyncio.Event().wait()

    server = await raw(begin)
    config = ClientConfig(max_connections=1)
    async with (
        APIClient(server.url, timeout=timedelta(milliseconds=300), config=config) as client,
        client.stream("GET", "/first"),
    ):
        with pytest.raises(ServiceUnavailableException, match="max_connections") as raised:
            await client.get("/second")
    assert (raised.value.error_code, server.count) == ("CONNECTIONS_EXHAUSTED", 1)


async def test_a_client_is_open_in_its_block_only(raw: Any, answer: Any) -> None:
    """Opening it twice and using it afterwards are told."""
    server = await raw(answer(200))
    client = APIClient(server.url)
    async with client:
        with pytest.raises(RuntimeError, match="open already"):
            await client.__aenter__()
        await client.get("/")
    with pytest.raises(Exception, match="async with"):
        await client.get("/")
