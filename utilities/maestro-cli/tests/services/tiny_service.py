"""A service without any framework, for tests of what starts, watches and ends services.

`TINY_<NAME>` in the environment, with the service's name, makes it misbehave: `die`, `never-ready`, `stubborn` (ignores
SIGTERM) or `parent` (starts a process of its own and leaves it behind).
"""

import json
import os
import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


def _log(line, stream=sys.stdout):
    stream.write(line + "\n")
    stream.flush()


def serve(name):
    prefix = name.upper().replace("-", "_")
    behaviour = os.environ.get(f"TINY_{prefix}", "")
    _log(json.dumps({"timestamp": "2026-01-02T03:04:05.000006Z", "level": "info", "event": "Begins", "service": name}))
    if behaviour == "die":
        _log("cannot find the flux capacitor", sys.stderr)
        raise SystemExit(7)
    if behaviour == "parent":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        _log(json.dumps({"event": "Started a helper", "helper": child.pid}))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = {"pid": os.getpid(), "environ": dict(os.environ)} if self.path == "/environ" else {}
            self.send_response(503 if behaviour == "never-ready" else 200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *arguments):
            return

    def stop(number, frame):
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, signal.SIG_IGN if behaviour == "stubborn" else stop)
    HTTPServer(("127.0.0.1", int(os.environ[f"{prefix}_PORT"])), Handler).serve_forever()
