"""Read labelled questions."""

import csv
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from intelligence_service.domain.learning import canonical, words_of

_QUESTIONS = ("input", "text", "question")
_ANSWERS = ("result", "category", "label", "intent")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A question and its answer."""

    question: str
    label: str
    """The answer as canonical JSON."""


def read_labelled(path: Path) -> list[Labelled]:
    """Read a file of questions and answers.

    Args:
        path: CSV with a heading line, or JSON lines. The question is in `input`, `text` or `question`; the answer in `result`,
            `category`, `label` or `intent`. JSON lines may have a `context` too.

    Returns:
        The questions, in the file's order.

    Raises:
        ValueError: The file is not of this form; the message names the line.
        OSError: It cannot be read.
    """
    lines = path.suffix.lower() in {".jsonl", ".ndjson"}
    found: list[Labelled] = []
    with path.open(encoding="utf-8", newline="") as file:
        rows = (json.loads(line) for line in file if line.strip()) if lines else csv.DictReader(file)
        try:
            for number, row in enumerate(rows, start=1):
                found.append(_labelled(row, f"{path}, entry {number}"))
        except (json.JSONDecodeError, csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{path}, entry {len(found) + 1}: {error}") from error
    if not found:
        raise ValueError(f"{path} has no questions")
    return found


def some_of_each(examples: Sequence[Labelled], count: int | None, *, seed: int) -> list[Labelled]:
    """Pick a number of examples of each answer.

    Args:
        examples: All examples.
        count: How many of each answer; None takes all.
        seed: Of the choice.

    Returns:
        The chosen ones, in their order.
    """
    if count is None:
        return list(examples)
    by_label: dict[str, list[int]] = {}
    for place, example in enumerate(examples):
        by_label.setdefault(example.label, []).append(place)
    chance = random.Random(seed)  # noqa: S311 - a repeatable choice, no secret
    chosen = [
        place for _, places in sorted(by_label.items()) for place in chance.sample(places, min(count, len(places)))
    ]
    return [examples[place] for place in sorted(chosen)]


def _labelled(row: object, where: str) -> Labelled:
    if not isinstance(row, dict):
        raise ValueError(f"{where}: must be an object")  # noqa: TRY004 - the file is at fault, not the program
    question = next((row[name] for name in _QUESTIONS if row.get(name)), None)
    answer: JsonValue = next((row[name] for name in _ANSWERS if row.get(name) is not None), None)
    if not isinstance(question, str | dict) or answer is None:
        raise ValueError(f"{where}: needs one of {', '.join(_QUESTIONS)} and one of {', '.join(_ANSWERS)}")
    context = row.get("context")
    return Labelled(words_of(question, context if isinstance(context, dict) else None), canonical(answer))
