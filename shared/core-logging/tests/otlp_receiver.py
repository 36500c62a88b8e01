"""An OTLP/HTTP receiver on a socket, as tests need one: it takes what it is told to take."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """What arrived, and what is answered.

    Attributes:
        requests: Headers and bodies of the requests that were taken.
        answers: Status, headers and body of the next answers; then 200 for ever.
        attempts: How many requests came.
        gate: Answers wait for it.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.paths: list[str] = []
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.attempts = 0
        self.gate = threading.Event()
        self.gate.set()
        self.changed = threading.Condition()
        self.url = ""

    def records(self) -> list[dict[str, Any]]:
        """Return the log records that arrived, each with its scope's name and its resource's attributes."""
        return [
            {**record, "scope": scope["scope"]["name"], "resource": plain(resource["resource"]["attributes"])}
            for _, body in self.requests
            for resource in body["resourceLogs"]
            for scope in resource["scopeLogs"]
            for record in scope["logRecords"]
        ]

    def wait_for(self, is_true: Any) -> None:
        """Wait until something is true of what arrived."""
        with self.changed:
            assert self.changed.wait_for(is_true, 60)


def plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return attributes as a dictionary."""
    return {each["key"]: value(each["value"]) for each in attributes}


def value(any_value: dict[str, Any]) -> Any:
    """Return an AnyValue as data."""
    if not any_value:
        return None
    ((kind, held),) = any_value.items()
    if kind == "kvlistValue":
        return plain(held["values"])
    if kind == "arrayValue":
        return [value(item) for item in held["values"]]
    return int(held) if kind == "intValue" else held


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """Run a receiver."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.gate.wait(60)
            with receiver.changed:
                receiver.attempts += 1
                status, headers, answer = receiver.answers.pop(0) if receiver.answers else (200, {}, b"{}")
                if status == 200:
                    if self.headers.get("content-encoding") == "gzip":
                        body = gzip.decompress(body)
                    receiver.requests.append((dict(self.headers), json.loads(body)))
                receiver.paths.append(self.path)
                receiver.changed.notify_all()
            self.send_response(status)
            for name, held in {"content-length": str(len(answer)), **headers}.items():
                self.send_header(name, held)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield receiver
    finally:
        receiver.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
