"""The process that serves the bundled model: `python -m intelligence_service.local_model`.

Started by `LocalModel` and by nobody else: it reads its order from standard input. It ends when standard input ends or,
on Linux, when the process that started it dies, whatever way that happens. It imports little, because all that it
imports stays in memory beside the model.
"""

import ctypes
import json
import os
import signal
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xllamacpp

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Order:
    """First and only line to the process. After it the pipe stays open: its end means "stop"."""

    model_path: str
    """The GGUF file."""
    alias: str
    """Name under which the model answers."""
    api_key: str
    """Key that callers must show; told through the pipe, so that no process list holds it."""
    context_tokens: int
    threads: int

    def to_line(self) -> bytes:
        """Write it for the pipe.

        Returns:
            One line of JSON.
        """
        return json.dumps(asdict(self)).encode() + b"\n"


def main() -> None:
    """Serve until told to stop."""
    _die_with_parent()
    # Terminals send Ctrl-C to the whole group; it is the parent who decides when the model stops.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The engine may write to standard output, which carries the answer to the parent.
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    order = Order(**json.loads(sys.stdin.buffer.readline()))
    server = _serve(order)
    os.write(answers, json.dumps({"address": server.listening_address}).encode() + b"\n")
    sys.stdin.buffer.read()
    # The engine's threads need no farewell; unwinding them takes longer than a parent wants to wait.
    os._exit(0)


def _serve(order: Order) -> "xllamacpp.Server":
    import xllamacpp  # noqa: PLC0415 - optional; the service imports this module without it

    parameters = xllamacpp.CommonParams()
    parameters.model.path = order.model_path
    parameters.model_alias = {order.alias}
    parameters.api_keys = [order.api_key]
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.n_ctx = order.context_tokens
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = order.threads
    parameters.cpuparams_batch.n_threads = order.threads
    parameters.n_gpu_layers = 0
    # Answers of earlier questions stay in memory otherwise, up to 8 GiB.
    parameters.cache_ram_mib = 0
    # The model is small and its needs are known; probing the devices and a rehearsal would only cost time.
    parameters.fit_params = False
    parameters.warmup = False
    parameters.ui = False
    parameters.verbosity = 0
    return xllamacpp.Server(parameters)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
