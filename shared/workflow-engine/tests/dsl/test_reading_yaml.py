"""Both readers of YAML give the same values at the same places, and where they would not, the exact one is used."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scanner import RoundTripScanner

from maestro_workflow_engine.dsl import DocumentError, _yaml
from maestro_workflow_engine.dsl._source import Source, read_source

WORDS = (
    *("on", "yes", "no", "off", "y", "null", "~", "Null", "true", "True", "TRUE", "tRue", "", "<<", "=", "2026-01-02"),
    *(
        "0",
        "012",
        "0o17",
        "0x1F",
        "0b1",
        "1_000",
        "-1",
        "+1",
        "1.",
        ".5",
        "-.5",
        "1e3",
        "1:30",
        ".inf",
        "-.INF",
        ".nan",
    ),
    *(
        "a: b",
        "a #b",
        "#a",
        "- a",
        "? a",
        "a\nb",
        "a\n\n b\n",
        "\ta",
        "a\t",
        " a ",
        "'",
        '"',
        "\\",
        "/",
        "{",
        "[a",
        "&a",
        "*a",
    ),
    *(
        "!a",
        "%a",
        "@a",
        "`a",
        "|",
        ">",
        "\x85",
        "\u2028",
        "\u00e9",
        "\U0001f600",
        "${ .a }",
        "---",
        "...",
        "a:",
        ":a",
        "a,b",
    ),
)

scalars = st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS) | st.text(max_size=8)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=3)
)


def read_slowly(text: str, monkeypatch: pytest.MonkeyPatch) -> Source:
    with monkeypatch.context() as patch:
        patch.setattr(_yaml, "_Loader", None)
        return read_source(text)


def outcome(text: str) -> Any:
    try:
        source = read_source(text)
    except DocumentError as error:
        return [(fault.path, fault.message, fault.line, fault.column) for fault in error.faults]
    return source.data, source.places if source.data is not None else {}, source.faults  # nothing has no certain place


def test_the_fast_reader_is_there() -> None:
    """The wheel of PyYAML brings libyaml; without it these tests would compare a reader with itself."""
    assert _yaml._Loader is not None


def test_examples_are_read_alike(example: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values, and line and column of each, are the same for every example of the specification."""
    text = example.read_text(encoding="utf-8")
    fast, slow = read_source(text), read_slowly(text, monkeypatch)
    assert (fast.data, fast.places, fast.faults) == (slow.data, slow.places, slow.faults)


@settings(max_examples=300, deadline=None)
@given(value=values, flow=st.sampled_from([True, False, None]))
def test_written_values_are_read_alike(value: Any, flow: bool | None) -> None:
    """Whatever YAML is written, block or flow, both read the same, faults included."""
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = flow
    stream = StringIO()
    writer.dump(value, stream)
    with pytest.MonkeyPatch.context() as patch:
        fast = outcome(stream.getvalue())
        patch.setattr(_yaml, "_Loader", None)
        assert fast == outcome(stream.getvalue())


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from([*WORDS, ": ", ", ", "\n", "  ", "- ", "a", "]", "}", "{", "[", "&x ", "*x", "? "]), max_size=8
    )
)
@example(["!a", "+1", "!a"])
@example(["&x ", "{", "&x "])
def test_any_text_is_read_alike(parts: list[str]) -> None:
    """Whatever stands in a file, both refuse it, or both read the same."""
    text = "".join(parts)
    with pytest.MonkeyPatch.context() as patch:
        fast = outcome(text)
        patch.setattr(_yaml, "_Loader", None)
        slow = outcome(text)
    assert fast == slow or "\t" in text, text  # ruamel.yaml takes no tab as white space, as YAML 1.2 lets one


def tokens(text: str, scanner: Any) -> list[str]:
    reader = YAML(typ="rt", pure=True)
    reader.Scanner = scanner
    found = []
    try:
        found += [f"{token!r} {token.start_mark} {token.end_mark}" for token in reader.scan(text)]
    except (YAMLError, ValueError) as error:
        found.append(str(error))
    return found


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*WORDS, ": ", ", ", "\n", "- ", "]", "}", "{", "[", "? ", "x" * 600]), max_size=12))
@example(["[", "{", "x" * 600, "x" * 600, ": "])
@example(["x" * 600, "x" * 600, ": "])
def test_a_scanner_that_looks_at_the_oldest_key_finds_the_same_tokens(parts: list[str]) -> None:
    """Keys that are too long or on another line are given up, and complained of, as ruamel.yaml does it."""
    text = "".join(parts)
    assert tokens(text, _yaml._Scanner) == tokens(text, RoundTripScanner)


@pytest.mark.parametrize("opening", ["[", "{", "{a: "])
def test_a_place_of_a_key_is_looked_at_a_few_times(opening: str) -> None:
    """What is nested deeply takes time by its length, not by the square of it."""
    looks = 0

    class Counted(dict[Any, Any]):
        def __iter__(self) -> Any:
            nonlocal looks
            for level in super().__iter__():
                looks += 1
                yield level

        def values(self) -> Any:
            return (self[level] for level in self)

        def items(self) -> Any:
            return ((level, self[level]) for level in self)

    class Scanner(_yaml._Scanner):
        def reset_scanner(self) -> None:
            super().reset_scanner()
            self.possible_simple_keys = Counted()

    reader = YAML(typ="rt", pure=True)
    reader.Scanner = Scanner
    with pytest.raises((YAMLError, RecursionError)):
        reader.compose(opening * 2000)
    assert 0 < looks < 2000 * 100


@pytest.mark.parametrize("word", WORDS)
def test_plain_words(word: str) -> None:
    """Plain text means what the core schema of YAML 1.2 says, to both."""
    for text in (f"a: {word}", f"[{word}]", f"{word}: a"):
        with pytest.MonkeyPatch.context() as patch:
            fast = outcome(text)
            patch.setattr(_yaml, "_Loader", None)
            assert fast == outcome(text) or "\t" in text, text
