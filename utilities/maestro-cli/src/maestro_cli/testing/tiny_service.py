"""A service without any framework, started in an instant; it is copied to where it is run.

`TINY_<NAME>` in the environment, with the service's name, makes it misbehave: `die`, `never-ready`, `stubborn` (ignores
SIGTERM) or `parent` (starts a process of its own and leaves it behind).
"""

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import FrameType


def serve(name: str) -> None:
    """Serve until SIGTERM.

    Args:
        name: Name of the service; its port comes from `<NAME>_PORT`.
    """
    environ = dict(os.environ)  # noqa: TID251 - it stands alone, and shows what it was started with
    prefix = name.upper().replace("-", "_")
    behaviour = environ.get(f"TINY_{prefix}", "")
    _log({"timestamp": "2026-01-02T03:04:05.000006Z", "level": "info", "event": "Begins", "service": name})
    if behaviour == "die":
        sys.exit("cannot find the flux capacitor")
    if behaviour == "parent":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        _log({"event": "Started a helper", "helper": child.pid})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if behaviour == "never-ready" else 200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps({"environ": environ} if self.path == "/environ" else {}).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Stay quiet."""

    signal.signal(signal.SIGTERM, signal.SIG_IGN if behaviour == "stubborn" else _end)
    HTTPServer(("127.0.0.1", int(environ[f"{prefix}_PORT"])), Handler).serve_forever()


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


def _log(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
