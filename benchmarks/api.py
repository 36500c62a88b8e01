"""`python -m benchmarks.api`: MaestroAPI with everything on beside bare FastAPI and FastAPI with the usual instrumentation.

All on granian, over real sockets, in turns: in each round every service is asked the same number of requests, and a ratio
is taken within a round, so that a slow minute strikes both sides of it. On a machine that does other things as well, the ratio
by processor time says more than the one by the clock. The peers run in `--peers-python`; bare FastAPI runs
in both environments, because the peers' pins may want another release of it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.core_api.requests import EXPECTED, REQUESTS
from benchmarks.engine import _machine
from benchmarks.engine._http_load import drive

_OURS, _BARE, _PEER, _PEER_BARE, _EXPORTING = "maestro", "bare", "instrumented", "bare (peers)", "maestro-exporting"
_START_S = 60.0

_Figures = dict[str, list[float]]


@dataclass(frozen=True)
class Service:
    """A service that runs."""

    name: str
    port: int
    pid: int


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    peers = arguments.peers_python
    kinds = {_BARE: (sys.executable, "bare"), _OURS: (sys.executable, "maestro")}
    kinds[_EXPORTING] = (sys.executable, "maestro-exporting")
    if peers is not None:
        kinds |= {_PEER_BARE: (str(peers), "bare"), _PEER: (str(peers), "instrumented")}
    facts = _machine.facts()
    print(f"{facts['cores']} cores ({facts['processor']}), Python {facts['python']}, load {facts['load_before']}")
    print(f"bare FastAPI {_release(sys.executable)}" + (f", the peers' {_release(str(peers))}" if peers else ""))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-api-")))
        services = [stack.enter_context(_running(name, *kind, folder)) for name, kind in kinds.items()]
        idle = {service.name: _memory_mb(service.pid) for service in services}
        for request in REQUESTS:
            _report_rates(request, *_rates(services, request, arguments), peers is not None)
        served = {service.name: _memory_mb(service.pid) for service in services}
    print(f"\nmemory of an idle service: {_figures(idle, 'MB')}; {idle[_OURS] / idle[_BARE]:.2f} x bare (goal ≤ 1.25)")
    print(f"memory after the requests: {_figures(served, 'MB')}; {served[_OURS] / served[_BARE]:.2f} x")
    imports = {name: _import_ms(name, arguments.imports) for name in ("fastapi", "maestro_core_api")}
    ratio = imports["maestro_core_api"] / imports["fastapi"]
    print(f"time to import: {_figures(imports, 'ms')}; {ratio:.2f} x (goal ≤ 1.25)")
    _report_instructions(arguments.instructions)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--peers-python", type=Path, help="interpreter of the peers' environment; without it they are left out"
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=1_500, help="requests to each service in a round")
    parser.add_argument("--at-once", type=int, default=16, help="connections")
    parser.add_argument("--imports", type=int, default=7, help="how often each import is timed")
    parser.add_argument(
        "--instructions", type=int, default=400, help="requests to count instructions of; 0 leaves them out"
    )
    return parser.parse_args()


@contextmanager
def _running(name: str, python: str, kind: str, folder: Path) -> Iterator[Service]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        command = [python, "-m", "benchmarks.core_api.serve", kind, str(port)]
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            _wait_for(process, port, log)
            yield Service(name, port, process.pid)
        finally:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"a service ended with {process.returncode}:\n{log.read_text()[-2_000:]}")
        try:
            answer = drive(port, [REQUESTS["read"]])[0]
        except OSError:
            time.sleep(0.05)
            continue
        if answer.status != 200:
            sys.exit(f"a service answered {answer.status}: {answer.body!r}")
        return
    sys.exit(f"a service did not start within {_START_S:.0f} s:\n{log.read_text()[-2_000:]}")


def _rates(services: list[Service], request: str, arguments: argparse.Namespace) -> tuple[_Figures, _Figures]:
    """Return requests a second, and requests per second of the service's processor time, of each round."""
    rates: _Figures = {service.name: [] for service in services}
    cpu: _Figures = {service.name: [] for service in services}
    for number in range(arguments.rounds + 1):
        # The order turns, so that nobody always comes after the same one.
        turned = services[number % len(services) :] + services[: number % len(services)]
        for service in turned:
            begun, used_s = time.perf_counter(), _cpu_s(service.pid)
            answers = drive(service.port, [REQUESTS[request]] * arguments.requests, at_once=arguments.at_once)
            took_s, used_s = time.perf_counter() - begun, _cpu_s(service.pid) - used_s
            for answer in answers:
                if answer.status != 200 or answer.json() != EXPECTED[request]:
                    sys.exit(f"{service.name} answered {answer.status}: {answer.body!r}")
            if number:  # the first round warms up
                rates[service.name].append(arguments.requests / took_s)
                cpu[service.name].append(arguments.requests / used_s)
    return rates, cpu


def _cpu_s(pid: int) -> float:
    """Return the processor time that a process has had, in seconds."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def _report_rates(request: str, rates: _Figures, cpu: _Figures, with_peers: bool) -> None:
    print(f"\n{request}:")
    for name, values in rates.items():
        used_us = 1e6 / statistics.median(cpu[name])
        spread = f"({min(values):,.0f} to {max(values):,.0f})"
        print(
            f"  {name:18} {statistics.median(values):7,.0f} requests/s {spread}, {used_us:,.0f} µs of processor time each"
        )
    _report_ratio("MaestroAPI against bare FastAPI (goal ≥ 0.60)", _OURS, _BARE, rates, cpu)
    _report_ratio("… with every span exported", _EXPORTING, _BARE, rates, cpu)
    if with_peers:
        _report_ratio("MaestroAPI against the usual instrumentation (goal ≥ 4)", _OURS, _PEER, rates, cpu)
        _report_ratio("the usual instrumentation against its bare FastAPI", _PEER, _PEER_BARE, rates, cpu)


def _report_ratio(what: str, ours: str, theirs: str, rates: _Figures, cpu: _Figures) -> None:
    print(f"  {what}: {_ratios(rates[ours], rates[theirs])}; by processor time {_ratios(cpu[ours], cpu[theirs])}")


def _ratios(ours: list[float], theirs: list[float]) -> str:
    pairs = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return f"{statistics.median(pairs):.2f} x ({min(pairs):.2f} to {max(pairs):.2f})"


def _figures(values: dict[str, float], unit: str) -> str:
    return ", ".join(f"{name} {value:,.1f} {unit}" for name, value in values.items())


def _memory_mb(pid: int) -> float:
    """Return what a process has in memory, shared pages by its share."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) / 1_024
    raise SystemExit("this system does not tell the memory of a process")


def _import_ms(module: str, times: int) -> float:
    script = f"import time; begun = time.perf_counter(); import {module}; print((time.perf_counter() - begun) * 1000)"
    return min(float(_output([sys.executable, "-c", script])) for _ in range(times))


def _release(python: str) -> str:
    return _output([python, "-c", "import fastapi; print(fastapi.__version__)"])


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _report_instructions(count: int) -> None:
    valgrind = shutil.which("valgrind")
    if not count or valgrind is None:
        print(
            "instructions: not counted" + ("" if count else " (asked not to)") + ("" if valgrind else " (no valgrind)")
        )
        return
    print("\ninstructions of a request, in process:")
    for request in REQUESTS:
        counts = {kind: _instructions(valgrind, kind, request, count) for kind in (_BARE, _OURS)}
        ratio = counts[_BARE] / counts[_OURS]
        print(f"  {request}: {json.dumps(counts)}, bare FastAPI's are {ratio:.2f} of ours")


def _instructions(valgrind: str, kind: str, request: str, count: int) -> int:
    few, many = (_counted(valgrind, kind, request, number) for number in (count // 4, count))
    return round((many - few) / (count - count // 4))


def _counted(valgrind: str, kind: str, request: str, count: int) -> int:
    command = [
        "env",
        "PYTHONHASHSEED=0",
        valgrind,
        "--tool=cachegrind",
        "--cache-sim=no",
        "--cachegrind-out-file=/dev/null",
        sys.executable,
    ]
    command += ["-m", "benchmarks.core_api.in_process", kind, request, str(count)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    line = next(line for line in told.splitlines() if "refs:" in line)
    return int(line.rsplit(":", 1)[1].replace(",", ""))


if __name__ == "__main__":
    main()
