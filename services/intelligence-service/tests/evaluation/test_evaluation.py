import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from intelligence_service.evaluation import Answered, Labelled, read_labelled, rendered, report, some_of_each
from intelligence_service.learning import expected_error, reliability
from intelligence_service.learning.calibration import NEVER, UNKNOWN, calibrate


def test_files_of_both_kinds_are_read(tmp_path: Path) -> None:
    """CSV and JSON lines give the same questions; members have several names; a context belongs to the question."""
    (tmp_path / "a.csv").write_text('text,category\n"a, b",x\n')
    (tmp_path / "b.jsonl").write_text(
        '{"input": "a, b", "result": "x"}\n\n{"input": {"q": 1}, "context": {"c": 2}, "label": {"i": 1}}\n'
    )
    assert read_labelled(tmp_path / "a.csv") == [Labelled("a, b", '"x"')]
    assert read_labelled(tmp_path / "b.jsonl") == [Labelled("a, b", '"x"'), Labelled('{"q":1}\n{"c":2}', '{"i":1}')]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "text,category\n", "no questions"),
        ("a.csv", "words,category\na,b\n", "entry 1: needs one of input, text"),
        ("a.jsonl", '{"input": "a", "result": 1}\n{"input"', "entry 2"),
        ("a.jsonl", "[1]\n", "must be an object"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_the_entry(tmp_path: Path, name: str, text: str, message: str) -> None:
    """The message names file and entry."""
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        read_labelled(tmp_path / name)


def test_some_of_each_answer_are_chosen_and_the_same_ones_again() -> None:
    """No more than asked for of each answer; the seed decides which."""
    examples = [Labelled(f"q{number}", "a" if number % 3 else "b") for number in range(30)]
    chosen = some_of_each(examples, 4, seed=1)
    assert sorted(example.label for example in chosen) == ["a"] * 4 + ["b"] * 4
    assert chosen == some_of_each(examples, 4, seed=1) != some_of_each(examples, 4, seed=2)
    assert some_of_each(examples, None, seed=0) == examples


def test_a_report_sums_up_what_happened() -> None:
    """Accuracy, calibration, sure answers, confusions and times, all from the answers."""
    answers = [Answered("a", "a", 0.95, True, 0.01)] * 8 + [Answered("a", "b", 0.55, False, 0.03)] * 2
    summed = report(answers)
    assert (summed.accuracy, summed.sure_share, summed.sure_accuracy) == (0.8, 0.8, 1.0)
    assert summed.calibration_error == pytest.approx(0.8 * 0.05 + 0.2 * 0.55)
    assert summed.confusions == (("a", "b", 2),)
    assert (summed.p50_ms, len(summed.bins)) == (10.0, 2)
    assert "80.0% right" in rendered(summed)


@given(arrays.arrays(np.float64, st.integers(1, 50), elements=st.floats(0, 1)), st.data())
def test_calibration_error_is_a_share(confidence: np.ndarray, data: st.DataObject) -> None:
    """It lies between 0 and 1, every answer is in one bin, and it is 0 when confidence is what happens."""
    right = np.array(data.draw(st.lists(st.booleans(), min_size=len(confidence), max_size=len(confidence))))
    bins = reliability(confidence, right)
    assert sum(each.count for each in bins) == len(confidence)
    assert 0 <= expected_error(bins) <= 1
    assert expected_error(reliability(right.astype(float), right)) == 0


def test_sure_answers_keep_the_precision_that_was_asked_for() -> None:
    """From the threshold on, held-out answers are right often enough; a higher precision answers less; a hopeless head never."""
    chance = np.random.default_rng(0)
    labels = chance.integers(0, 3, 600)
    scores = (np.eye(3)[labels] * 2 + chance.normal(size=(600, 3))).astype(np.float32)
    loose, strict = (calibrate(scores, labels, precision=precision) for precision in (0.9, 0.97))
    assert strict.sure_from > loose.sure_from
    assert strict.answered < loose.answered < 1
    assert loose.error < 0.05
    hopeless = calibrate(chance.normal(size=(600, 3)).astype(np.float32), labels, precision=0.9)
    assert hopeless.sure_from == NEVER
    assert calibrate(scores[:5], labels[:5], precision=0.9) == UNKNOWN


def test_the_command_prints_a_report(tmp_path: Path) -> None:
    """`python -m intelligence_service evaluate` teaches four fifths and asks the rest; the exit status keeps a promise."""
    rows = [f"where is my {thing},card" for thing in ("card", "new card", "bank card", "blue card", "old card")]
    rows += [f"what is the {thing} rate,rate" for thing in ("exchange", "euro", "dollar", "daily", "best")]
    (tmp_path / "some.csv").write_text("\n".join(["text,intent", *rows]) + "\n")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "intelligence_service", "evaluate", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run("some.csv", "--threads", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["report"]["questions"] == 2
    assert run("some.csv", "--threads", "1", "--at-least", "1.1").returncode == 1
    missing = run("nowhere.csv")
    assert (missing.returncode, "nowhere.csv" in missing.stderr) == (2, True)
