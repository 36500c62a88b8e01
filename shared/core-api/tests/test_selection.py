import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import (
    APIRouter,
    BackgroundTasks,
    Depends,
    FastAPI,
    File,
    Form,
    HTTPException,
    Request,
    Response,
    UploadFile,
    WebSocket,
)
from fastapi.routing import APIRoute
from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import BaseRoute, Host, Match, Mount, NoMatchFound, Route, Router
from starlette.testclient import TestClient

from maestro_core_api import MaestroAPI, _selection

Auth = Callable[..., dict[str, str]]


class DatedConvertor(Convertor[str]):
    regex = "[0-9]+/[0-9]+"

    def convert(self, value: str) -> str:
        return value.replace("/", "-")

    def to_string(self, value: str) -> str:
        return value.replace("-", "/")


register_url_convertor("dated", DatedConvertor())


class LoudRoute(APIRoute):
    """A route of a kind of its own."""

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        scope["loud"] = True
        await super().handle(scope, receive, send)


def echo(name: str) -> Callable[..., Any]:
    """Make an endpoint that tells its name and what it was called with."""

    async def endpoint(request: Request) -> dict[str, Any]:
        return {
            "endpoint": name,
            "path_params": {key: str(value) for key, value in request.path_params.items()},
            "loud": request.scope.get("loud", False),
            "url": request.url_for("named", number=3).path,
        }

    return endpoint


def with_routes(app: FastAPI) -> None:
    """Add routes of every kind, in an order that matters."""
    raw = PlainTextResponse("mounted")
    app.get("/items/first")(echo("before the parameter"))
    app.get("/items/{name}")(echo("parameter"))
    app.get("/items/last")(echo("after the parameter"))
    app.get("/numbers/{number:int}", name="named")(echo("number"))
    app.get("/numbers/{text}")(echo("text"))
    app.get("/files/{path:path}")(echo("path"))
    app.get("/days/{day:dated}")(echo("dated"))
    app.post("/items/{name}")(echo("posted"))
    app.get("/slash/")(echo("slash"))
    app.api_route("/many", methods=["GET", "PUT"])(echo("many"))
    inner = APIRouter(prefix="/inner", route_class=LoudRoute)
    inner.get("/deep/{key}")(echo("deep"))
    inner.get("")(echo("inner root"))
    outer = APIRouter(prefix="/outer/{tenant}")
    outer.get("/plain")(echo("plain"))
    outer.add_route("/raw", lambda request: PlainTextResponse(str(request.path_params)))
    outer.mount("/under", raw)
    outer.include_router(inner)
    app.include_router(outer)
    app.include_router(outer, prefix="/again")
    app.mount("/static", raw)
    app.get("/static/never")(echo("never reached"))
    app.add_route("/plain-route", lambda request: PlainTextResponse("plain route"))
    app.router.routes.append(Route("/class/{x}", endpoint=raw))
    app.get("/{anything}")(echo("anything"))
    app.mount("/late", Router([Mount("/more", raw)]))


PATHS = [
    "/items/first", "/items/last", "/items/other", "/items/", "/items", "/items/a/b", "/numbers/7", "/numbers/seven",
    "/files/a/b/c", "/files/", "/days/2026/11", "/days/2026", "/slash", "/slash/", "/many", "/outer/t/plain",
    "/outer/t/raw", "/outer/t/under/x", "/outer/t/inner", "/outer/t/inner/deep/k", "/again/outer/t/inner/deep/k",
    "/outer/t/nothing", "/static/a", "/static/never", "/static", "/plain-route", "/class/1", "/late/more/x", "/free",
    "/free/er", "/", "/items/first%0A", "/free%0A", "/%7Banything%7D", "/items/%2F", "//items/first",
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD", "OPTIONS", "BREW"])
def test_every_request_goes_where_fastapi_sends_it(app: MaestroAPI, client: TestClient, method: str) -> None:
    """For every path, method and kind of route, endpoint, parameters, status and Allow are those of bare FastAPI."""
    bare = FastAPI()
    with_routes(bare)
    with_routes(app)
    peer = TestClient(bare, raise_server_exceptions=False)
    for path in PATHS:
        ours = client.request(method, path, follow_redirects=False)
        theirs = peer.request(method, path, follow_redirects=False)
        assert ours.status_code == theirs.status_code, path
        for header in ("location", "allow"):
            assert set(ours.headers.get(header, "").split(", ")) == set(theirs.headers.get(header, "").split(", ")), (
                path
            )
        if theirs.status_code < 300:
            assert ours.text == theirs.text, path


@pytest.mark.parametrize("root_path", ["/api", "/api/v1"])
def test_a_root_path_is_taken_off(make_app: Callable[..., MaestroAPI], auth: Auth, root_path: str) -> None:
    """Behind a proxy that keeps its prefix, routes are found below it."""
    app = make_app()
    with_routes(app)
    client = TestClient(app, headers=auth("admin"), root_path=root_path)
    assert client.get(f"{root_path}/items/first").json()["endpoint"] == "before the parameter"
    assert client.get("/items/x").json()["endpoint"] == "parameter"


def test_routes_may_change_while_the_service_runs(app: MaestroAPI, client: TestClient) -> None:
    """Routes that are added, taken away, put in front or exchanged count from the next request on."""
    with_routes(app)
    assert client.get("/free").json()["endpoint"] == "anything"
    app.router.routes.insert(0, APIRoute("/free", echo("put in front")))
    assert client.get("/free").json()["endpoint"] == "put in front"
    app.router.routes[0] = APIRoute("/free", echo("exchanged"))
    assert client.get("/free").json()["endpoint"] == "exchanged"
    del app.router.routes[0]
    assert client.get("/free").json()["endpoint"] == "anything"
    app.router.routes[:] = [APIRoute("/other", echo("all new"), name="named")]
    assert client.get("/free").status_code == 404


def test_an_included_router_may_grow(app: MaestroAPI, client: TestClient) -> None:
    """A route that is added to a router after it was included, or to one that that one includes, is found."""
    child, parent = APIRouter(), APIRouter(prefix="/parent")
    app.get("/numbers/{number:int}", name="named")(echo("number"))
    parent.include_router(child)
    app.include_router(parent)
    assert client.get("/parent/new").status_code == 404
    child.get("/new")(echo("of the child"))
    assert client.get("/parent/new").json()["endpoint"] == "of the child"
    parent.get("/{any}")(echo("of the parent"))
    assert client.get("/parent/other").json()["endpoint"] == "of the parent"
    assert client.get("/parent/new").json()["endpoint"] == "of the child"


def test_an_own_router_keeps_its_way(app: MaestroAPI, client: TestClient) -> None:
    """A route of a kind that nobody here knows stands where it was put, and decides for itself."""

    class OddRoute(BaseRoute):
        def matches(self, scope: Any) -> Any:
            odd = len(scope["path"]) % 2 == 1
            return (Match.FULL, {"endpoint": self}) if odd else (Match.NONE, {})

        async def handle(self, scope: Any, receive: Any, send: Any) -> None:
            await PlainTextResponse("odd")(scope, receive, send)

        def url_path_for(self, name: str, /, **path_params: Any) -> Any:
            raise NoMatchFound(name, path_params)

    app.router.routes.insert(0, OddRoute())
    app.router.routes.insert(0, Host("other.example", PlainTextResponse("other host")))
    with_routes(app)
    assert client.get("/many").text == "odd"
    assert client.get("/items/x").json()["endpoint"] == "parameter"
    assert client.get("/items/x", headers={"host": "other.example"}).text == "other host"


def test_a_fastapi_that_keeps_included_routers_otherwise_is_followed(
    app: MaestroAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where FastAPI's included routers are not known for what they are, the router finds their routes itself."""
    monkeypatch.setattr(_selection, "_INCLUDED", ())
    with_routes(app)
    assert client.get("/outer/t/inner/deep/k").json()["endpoint"] == "deep"
    assert client.get("/items/x").json()["endpoint"] == "parameter"
    assert client.get("/static/a").text == "mounted"


def test_dependencies_and_overrides_hold(app: MaestroAPI, client: TestClient) -> None:
    """Dependencies run, those with yield clean up after the answer, and overrides take their place and go again."""
    steps: list[str] = []

    async def resource() -> AsyncIterator[str]:
        steps.append("open")
        yield "real"
        steps.append("close")

    router = APIRouter(prefix="/v1", dependencies=[Depends(resource)])

    @router.get("/things/{number}")
    async def thing(number: int, value: Annotated[str, Depends(resource)]) -> str:
        steps.append(f"use {value} {number}")
        return value

    app.include_router(router)
    assert client.get("/v1/things/1").json() == "real"
    assert steps == ["open", "use real 1", "close"]
    app.dependency_overrides[resource] = lambda: "overridden"
    assert client.get("/v1/things/2").json() == "overridden"
    app.dependency_overrides.clear()
    assert client.get("/v1/things/3").json() == "real"


def test_what_fastapi_offers_is_there(app: MaestroAPI, client: TestClient, tmp_path: Path) -> None:
    """Background tasks, streams, forms with files, WebSockets, responses of one's own and sub-applications work."""
    done: list[Any] = []
    uploads: list[UploadFile] = []

    @app.get("/background")
    async def background(tasks: BackgroundTasks) -> str:
        tasks.add_task(done.append, "in the background")
        return "answered"

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            yield "a"
            yield "b"

        return StreamingResponse(pieces())

    @app.post("/upload")
    async def upload(note: Annotated[str, Form()], file: Annotated[UploadFile, File()]) -> dict[str, Any]:
        uploads.append(file)
        return {"note": note, "size": len(await file.read())}

    @app.websocket("/socket/{name}")
    async def socket(connection: WebSocket, name: str) -> None:
        await connection.accept()
        await connection.send_text(name)
        await connection.close()

    @app.get("/own", status_code=202)
    async def own(response: Response) -> str:
        response.headers["x-own"] = "yes"
        return "own"

    sub = FastAPI()
    sub.get("/inside")(lambda: {"inside": True})
    app.mount("/sub", sub)

    assert client.get("/background").json() == "answered"
    assert done == ["in the background"]
    assert client.get("/stream").text == "ab"
    assert client.post("/upload", data={"note": "n"}, files={"file": b"12345"}).json() == {"note": "n", "size": 5}
    assert uploads[0].file.closed
    with client.websocket_connect("/socket/ada") as connection:
        assert connection.receive_text() == "ada"
    answer = client.get("/own")
    assert (answer.status_code, answer.headers["x-own"]) == (202, "yes")
    assert client.get("/sub/inside").json() == {"inside": True}


def test_own_exception_handlers_win(make_app: Callable[..., MaestroAPI], auth: Auth) -> None:
    """Handlers for a class, a status and for everything are called as in FastAPI, mounted applications included."""
    app = make_app()

    @app.exception_handler(KeyError)
    async def on_key(request: Request, error: Exception) -> Response:
        return PlainTextResponse("no such key", 418)

    @app.exception_handler(404)
    async def on_missing(request: Request, error: Exception) -> Response:
        return PlainTextResponse("nothing here", 404)

    async def raising(scope: Any, receive: Any, send: Any) -> None:
        raise KeyError("mounted")

    app.mount("/mounted", raising)

    @app.get("/key")
    async def key() -> None:
        raise KeyError("x")

    @app.get("/missing")
    async def missing() -> None:
        raise HTTPException(404)

    client = TestClient(app, raise_server_exceptions=False, headers=auth("admin"))
    assert [client.get(path).text for path in ("/key", "/mounted/x")] == ["no such key"] * 2
    assert [client.get(path).text for path in ("/missing", "/nowhere")] == ["nothing here"] * 2


def test_an_own_last_resort_is_called(make_app: Callable[..., MaestroAPI], auth: Auth) -> None:
    """A handler for every exception takes the place of the framework's."""
    app = make_app()

    @app.exception_handler(Exception)
    async def on_everything(request: Request, error: Exception) -> Response:
        return PlainTextResponse(f"own last resort: {error}", 500)

    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError("boom")

    client = TestClient(app, raise_server_exceptions=False, headers=auth("admin"))
    assert client.get("/boom").text == "own last resort: boom"


def test_a_handled_exception_after_the_answer_began_is_none(app: MaestroAPI, client: TestClient) -> None:
    """An application that fails in the middle of its answer is not answered for a second time."""

    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise HTTPException(404)

    app.mount("/half", half)
    answer = client.get("/half/x")
    assert (answer.status_code, answer.text) == (200, "half")


def test_a_service_can_be_mounted(make_app: Callable[..., MaestroAPI], auth: Auth) -> None:
    """A MAESTRO application inside a FastAPI one finds its routes below the mount, and keeps the outer limit of bodies."""
    outer, app = FastAPI(max_body_size=10), make_app()
    with_routes(app)

    @app.post("/taken")
    async def taken(data: dict[str, str]) -> dict[str, str]:
        return data

    outer.mount("/service/{tenant}", app)
    client = TestClient(outer, headers=auth("admin"), raise_server_exceptions=False)
    answer = client.get("/service/t1/items/x").json()
    assert (answer["endpoint"], answer["path_params"]) == ("parameter", {"tenant": "t1", "name": "x"})
    refused = client.post(
        "/service/t1/taken", content=json.dumps({"key": "v" * 100}), headers={"content-type": "application/json"}
    )
    assert refused.status_code == 413
