import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from intelligence_service.domain.repair import json_in


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('Sure! Here it is:\n```json\n{"a": [1, 2,],}\n```\nAnything else?', {"a": [1, 2]}),
        ('The answer is {"a": "x, }"} as {you} asked.', {"a": "x, }"}),
        ('{"a": 1} or rather {"a": 1, "b": 2}', {"a": 1, "b": 2}),
        ("7", 7),
        ("[1, 2]", [1, 2]),
    ],
)
def test_the_json_in_an_answer_is_found(text: str, value: JsonValue) -> None:
    """Bare, fenced, among words, with commas too many; the longest of several."""
    assert json_in(text) == value


@pytest.mark.parametrize("text", ["", "no", '{"a": ', "NaN", '{"a": NaN}', "{" * 5000])
def test_nothing_is_made_up(text: str) -> None:
    """What is cut off, not a number or no JSON at all is told, and quickly."""
    with pytest.raises((ValueError, RecursionError)):
        json_in(text)


@given(st.text(max_size=300))
def test_any_words_are_read_or_refused(text: str) -> None:
    """Whatever a model says, the outcome is a value or a ValueError."""
    try:
        json_in(text)
    except (ValueError, RecursionError):
        return
