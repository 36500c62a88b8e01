import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from maestro_workflow_engine.dsl import HttpCallError, HttpRequest, HttpxCaller


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path == "/moved":
            self._answer(302, b"", location="/echo")
        elif self.path == "/slow":
            self.server.released.wait(10)  # type: ignore[attr-defined]
            self._answer(200, b"late")
        else:
            self._answer(201, f"{self.command} {self.path} {self.headers.get('x-test')} ".encode() + body)

    do_GET = do_POST  # noqa: N815  the base class's naming

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body)), "content-type": "text/plain"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    httpd.released = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.released.set()  # type: ignore[attr-defined]
    httpd.shutdown()
    httpd.server_close()
    thread.join()


async def test_a_request_goes_out_whole_and_the_answer_comes_back_whole(server: str) -> None:
    """Method, path, query, headers and body reach a real server; status, reason, headers and bytes come back."""
    request = HttpRequest("POST", f"{server}/echo?a=1", {"x-test": "yes"}, b"body")
    for _ in range(2):
        response = await HttpxCaller().call(request)
        assert (response.status, response.reason, response.content) == (201, "Created", b"POST /echo?a=1 yes body")
        assert response.headers["content-type"] == "text/plain"


async def test_an_entered_caller_serves_many_calls(server: str) -> None:
    """Inside `async with` calls share connections; after it every call opens its own again."""
    async with HttpxCaller() as caller:
        answers = [await caller.call(HttpRequest("GET", f"{server}/{n}")) for n in range(3)]
    answers.append(await caller.call(HttpRequest("GET", f"{server}/3")))
    assert [answer.content for answer in answers] == [f"GET /{n} None ".encode() for n in range(4)]


async def test_redirections_are_followed_only_on_request(server: str) -> None:
    """A 3xx answer is returned as it is, unless the request asks to follow it."""
    stay = await HttpxCaller().call(HttpRequest("GET", f"{server}/moved"))
    go = await HttpxCaller().call(HttpRequest("GET", f"{server}/moved", follow_redirects=True))
    assert (stay.status, go.status, go.content) == (302, 201, b"GET /echo None ")


async def test_connection_trouble_is_told(server: str) -> None:
    """No listener, no answer in time, no address and an address only a registry knows are HttpCallErrors."""
    impatient = HttpxCaller(timeout=timedelta(milliseconds=200))
    with pytest.raises(HttpCallError, match="ReadTimeout"):
        await impatient.call(HttpRequest("GET", f"{server}/slow"))
    with pytest.raises(HttpCallError, match="ConnectError"):
        await impatient.call(HttpRequest("GET", "http://127.0.0.1:1/"))
    for url in ("not an address", "ftp://127.0.0.1/", "http://127.0.0.1:notaport/"):
        with pytest.raises(HttpCallError):
            await impatient.call(HttpRequest("GET", url))
    with pytest.raises(HttpCallError, match="find services"):
        await impatient.call(HttpRequest("GET", "service://registry/x"))
