"""Checking workflow documents: what a document of the specification's examples costs once warm, beside a JSON Schema alone.

    .venv/bin/python benchmarks/workflow_validation.py [FOLDER]

FOLDER holds `examples/` and `schema/workflow.yaml` of the specification (default: beside the project). Prints one line a
measurement; CPU time of this process, so that what else the machine does counts little.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs

from maestro_workflow_engine.dsl import validate_document
from maestro_workflow_engine.dsl._source import read_source
from maestro_workflow_engine.dsl.validation import check

ROUNDS = 30
FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "open-workflow"


def measure(what: Callable[[Any], object], inputs: list[Any]) -> tuple[float, float]:
    """Return median and 99th percentile, in milliseconds, of one call."""
    for value in inputs:
        what(value)
    times: list[float] = []
    for _ in range(ROUNDS):
        for value in inputs:
            started = time.process_time_ns()
            what(value)
            times.append((time.process_time_ns() - started) / 1e6)
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("examples/*.yaml"))]
    if not texts:
        print(f"no examples in {folder}: nothing is measured")
        return
    sources = [read_source(text) for text in texts]
    schema = read_source((folder / "schema" / "workflow.yaml").read_text(encoding="utf-8")).data
    official = jsonschema_rs.validator_for(schema)
    rows: list[tuple[str, Callable[[Any], object], list[Any]]] = [
        ("structure and meaning, of a document that is read", check, sources),
        ("text to report: reading, checking, what is supported", validate_document, texts),
        ("of that, reading alone", read_source, texts),
    ]
    peer: list[tuple[str, Callable[[Any], object], list[Any]]] = [
        ("jsonschema-rs (compiled), structure only: yes or no", official.is_valid, [source.data for source in sources]),
        ("jsonschema-rs (compiled), structure only: with errors", lambda data: list(official.iter_errors(data)),
         [source.data for source in sources]),
    ]  # fmt: skip
    try:
        import jsonschema  # noqa: PLC0415  a peer; the workspace does without it
    except ImportError:
        print("jsonschema is not installed here: pip install jsonschema, to see it beside")
    else:
        plain = jsonschema.Draft202012Validator(schema)
        peer.append(("jsonschema, structure only", plain.is_valid, [source.data for source in sources]))
    for name, what, inputs in rows + peer:
        median, worst = measure(what, inputs)
        print(f"{name:<56} median {median:7.3f} ms   p99 {worst:7.3f} ms")


if __name__ == "__main__":
    main()
