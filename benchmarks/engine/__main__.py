"""`python -m benchmarks.engine`: measure the engine, and its peers when their environment is there."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from benchmarks.engine import _machine, _report
from benchmarks.engine._figures import Row, median
from benchmarks.engine._plan import ON_TEMPORAL, OURS, PACKAGE, PEERS, PLANS, TEMPORAL, Plan
from benchmarks.engine._processes import MeasurementError, run_measurement

_SUBJECT = f"{PACKAGE}._workload:measure"
_FLOOR = f"{PACKAGE}._machine:measure"


def main() -> None:
    """Measure, print the tables, write the JSON."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, _stop)
    plan = PLANS[arguments.plan]
    if arguments.rounds:
        plan = dataclasses.replace(plan, rounds=arguments.rounds)
    if arguments.only:
        plan = dataclasses.replace(plan, rounds=0)
    peers = [peer for peer in PEERS if _short(peer) in arguments.peers] if arguments.peers_python else []
    begun, now = time.perf_counter(), datetime.now(UTC)
    machine = _machine.facts()
    try:
        systems, floors, failures = _side_by_side(plan, peers, arguments)
        alone, rows = _ours_alone(plan, arguments, failures)
    except KeyboardInterrupt:
        sys.exit("stopped; every process that was started has ended")
    if OURS in systems:
        rows = _report.comparison(systems[OURS], [systems[peer] for peer in peers if peer in systems]) + rows
    if TEMPORAL in systems:
        rows += _report.on_temporal(systems[TEMPORAL], [systems[each] for each in ON_TEMPORAL if each in systems])
    machine.update({name: median([floor[name] for floor in floors]) for name in floors[0]} if floors else {})
    machine["load_after"] = _machine.facts()["load_before"]
    outcome = {
        "format": 1,
        "at": now.isoformat(timespec="seconds"),
        "took_s": round(time.perf_counter() - begun, 1),
        "plan": dataclasses.asdict(plan),
        "machine": machine,
        "systems": {_short(module): system for module, system in systems.items()},
        "ours": alone,
        "goals": [dataclasses.asdict(row) for row in rows],
        "failures": failures,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(outcome, indent=2, ensure_ascii=False) + "\n")
    _print(outcome, list(systems.values()), rows)
    print(f"\n{arguments.out} has it all; it took {outcome['took_s']:.0f} s")
    sys.exit(0 if OURS in systems or (arguments.only and not failures) else 1)


def _side_by_side(
    plan: Plan, peers: list[str], arguments: argparse.Namespace
) -> tuple[dict[str, dict[str, Any]], list[dict[str, float]], dict[str, str]]:
    """Measure every peer once in each round and our engine before each of them: a slow minute must not strike one alone."""
    rounds: dict[str, list[dict[str, Any]]] = {}
    floors: list[dict[str, float]] = []
    failures: dict[str, str] = {}
    for index in range(plan.rounds):
        floors.append(
            run_measurement(
                sys.executable, _FLOOR, arguments.work / "machine", deadline_s=60, seconds=min(1.0, plan.seconds)
            )
        )
        for module in _turns(peers):
            if _short(module) in failures:
                continue
            _tell(f"round {index + 1} of {plan.rounds}: {_short(module)}")
            python = sys.executable if module == OURS or module in ON_TEMPORAL else arguments.peers_python
            folder = arguments.work / _short(module)
            try:
                figures = run_measurement(
                    python, _SUBJECT, folder, deadline_s=plan.deadline_s, module=module, seconds=plan.seconds
                )
            except MeasurementError as error:
                failures[_short(module)] = str(error)
                _tell(f"{_short(module)}: {error}")
            else:
                rounds.setdefault(module, []).append(figures)
    return {module: _report.summary(entries) for module, entries in rounds.items()}, floors, failures


def _turns(peers: list[str]) -> list[str]:
    turns = [turn for peer in peers for turn in (OURS, peer, *(ON_TEMPORAL if peer == TEMPORAL else ()))]
    return turns or [OURS]


def _ours_alone(
    plan: Plan, arguments: argparse.Namespace, failures: dict[str, str]
) -> tuple[dict[str, Any], list[Row]]:
    """Measure what only our engine is asked for."""
    figures: dict[str, Any] = {}
    rows: list[Row] = []
    for module, options in plan.alone:
        name = _short(module)
        if arguments.only and name not in arguments.only:
            continue
        _tell(f"our engine alone: {name}")
        target, folder = f"{module}:measure", arguments.work / name
        try:
            figures[name] = run_measurement(sys.executable, target, folder, deadline_s=plan.deadline_s, **options)
        except MeasurementError as error:
            failures[name] = str(error)
            _tell(f"{name}: {error}")
        else:
            rows += importlib.import_module(module).rows(figures[name])
    return figures, rows


def _print(outcome: dict[str, Any], systems: list[dict[str, Any]], rows: list[Row]) -> None:
    machine = outcome["machine"]
    print(
        f"{machine['cores']} cores ({machine['processor']}), {machine['system']}, Python {machine['python']}, "
        f"load {machine['load_before']} before and {machine['load_after']} after"
    )
    if "fsyncs_per_s" in machine:
        print(
            f"this disk: {machine['fsyncs_per_s']:,.0f} fsyncs/s of 4 KiB; "
            f"{machine['commits_per_s']:,.0f} SQLite transactions/s of one row"
        )
    if systems:
        print(f"\n{_report.systems_table(systems)}")
    print(f"\n{_report.goals_table(rows)}")
    for name, reason in outcome["failures"].items():
        print(f"\nnot measured: {name}: {reason}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("--plan", choices=list(PLANS), default="default", help="how much to measure")
    parser.add_argument("--full", action="store_const", const="full", dest="plan", help="the same as --plan full")
    parser.add_argument("--rounds", type=int, help="rounds over all systems, instead of the plan's")
    parser.add_argument(
        "--peers-python", type=Path, help="the interpreter of the peers' environment; without: no peers"
    )
    parser.add_argument(
        "--peers", nargs="+", choices=[_short(peer) for peer in PEERS], default=[_short(peer) for peer in PEERS]
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[_short(module) for module, _ in PLANS["default"].alone],
        help="only these measurements of our engine alone, and no system side by side",
    )
    parser.add_argument("--out", type=Path, default=Path(".maestro/bench/engine.json"), help="where the JSON goes")
    parser.add_argument(
        "--work", type=Path, default=Path(".maestro/bench/work"), help="where the systems keep their files"
    )
    arguments = parser.parse_args()
    arguments.work = arguments.work.absolute()
    if arguments.peers_python and not arguments.peers_python.exists():
        parser.error(f"{arguments.peers_python} does not exist; `make bench-engine` makes the peers' environment")
    return arguments


def _short(module: str) -> str:
    return module.rpartition(".")[2]


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
