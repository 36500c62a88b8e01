from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dependency_review import InvalidExpressionError, Relation, compare
from dependency_review.expressions import MOST_CHARACTERS, alternatives, normalize

_MANY = " AND ".join(f"(LicenseRef-a{i} OR LicenseRef-b{i})" for i in range(12))


@pytest.mark.parametrize(
    ("declared", "recognized", "relation"),
    [
        ("MIT", "MIT", Relation.EXACT),
        ("MIT OR Apache-2.0", "Apache-2.0 OR MIT", Relation.EXACT),
        ("MIT AND (Apache-2.0 OR ISC)", "(ISC OR Apache-2.0) AND MIT", Relation.EXACT),
        ("MIT AND (Apache-2.0 OR ISC)", "(MIT AND ISC) OR (Apache-2.0 AND MIT)", Relation.EXACT),
        ("GPL-2.0+", "GPL-2.0-or-later", Relation.EXACT),
        ("Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception", Relation.EXACT),
        ("MIT OR Apache-2.0", "Apache-2.0 AND MIT", Relation.COMPATIBLE),
        ("MIT OR Apache-2.0", "MIT", Relation.COMPATIBLE),
        ("MIT", "MIT OR Apache-2.0", Relation.COMPATIBLE),
        ("MIT OR Apache-2.0 OR ISC", "MIT OR ISC", Relation.COMPATIBLE),
        ("GPL-3.0-or-later", "GPL-3.0-only", Relation.COMPATIBLE),
        (
            "GPL-2.0-or-later WITH Classpath-exception-2.0",
            "GPL-2.0-only WITH Classpath-exception-2.0",
            Relation.COMPATIBLE,
        ),
        ("MIT AND PSF-2.0", "MIT", Relation.PARTIAL),
        ("Apache-2.0 WITH LLVM-exception", "Apache-2.0", Relation.PARTIAL),
        ("MIT", "BSD-3-Clause AND MIT", Relation.BROADER),
        ("MIT OR Apache-2.0", "MIT AND ISC", Relation.BROADER),
        ("Apache-2.0", "Apache-2.0 WITH LLVM-exception", Relation.BROADER),
        ("MIT", "ISC", Relation.DIFFERENT),
        ("MIT AND ISC", "MIT OR ISC", Relation.DIFFERENT),
        ("MIT AND ISC", "MIT AND Zlib", Relation.DIFFERENT),
        ("MIT", "no expression (", Relation.DIFFERENT),
        ("MIT", None, Relation.UNRECOGNIZED),
        (None, "MIT", Relation.UNDECLARED),
        (None, None, Relation.UNDECLARED),
        ("no expression (", "MIT", Relation.UNDECLARED),
        (_MANY, "MIT", Relation.UNDECLARED),
    ],
)
def test_relation(declared: str | None, recognized: str | None, relation: Relation) -> None:
    """Each pair of expressions is told apart as its meaning demands, and the reason is given."""
    comparison = compare(declared, recognized)
    assert comparison.relation is relation
    assert comparison.explanation


def test_explanation_names_what_differs() -> None:
    """The explanation names the licences in question."""
    assert "Zlib" in compare("MIT", "MIT AND Zlib").explanation
    assert "PSF-2.0" in compare("MIT AND PSF-2.0", "MIT").explanation
    assert "LLVM-exception" in compare("Apache-2.0 WITH LLVM-exception", "Apache-2.0").explanation


_IDS = st.sampled_from(["MIT", "ISC", "Zlib", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "LicenseRef-own"])
_TREES = st.recursive(
    _IDS, lambda inner: st.tuples(st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)), max_leaves=6
)


def _written(tree: object, *, backwards: bool) -> str:
    if isinstance(tree, str):
        return tree
    assert isinstance(tree, tuple)
    operator, parts = tree
    texts = [f"({_written(part, backwards=backwards)})" if isinstance(part, tuple) else str(part) for part in parts]
    return f" {operator} ".join(reversed(texts) if backwards else texts)


@given(_TREES)
def test_order_never_counts(tree: object) -> None:
    """An expression and itself written backwards are the same."""
    forwards, backwards = _written(tree, backwards=False), _written(tree, backwards=True)
    assert compare(forwards, backwards).relation is Relation.EXACT


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_can_be_compared(declared: str, recognized: str) -> None:
    """Whatever the two texts are, there is an answer and no exception."""
    assert isinstance(compare(declared, recognized).relation, Relation)


def test_normal_form_has_the_spelling_of_the_list() -> None:
    """Case and spacing of a declared expression are put right."""
    assert normalize("mit  or (apache-2.0 and gpl-2.0-only with classpath-exception-2.0)") == (
        "MIT OR (Apache-2.0 AND GPL-2.0-only WITH Classpath-exception-2.0)"
    )


@pytest.mark.parametrize("text", ["", "UNKNOWN", "MIT/X11", "MIT AND", "(MIT", "MIT " * MOST_CHARACTERS])
def test_what_is_no_expression_is_refused(text: str) -> None:
    """A text that is no SPDX expression is refused with the text and the reason."""
    with pytest.raises(InvalidExpressionError) as caught:
        normalize(text)
    assert caught.value.code == "INVALID_EXPRESSION"
    assert caught.value.reason
    assert len(str(caught.value)) < 200


def test_alternatives_are_bounded() -> None:
    """An expression that multiplies out into thousands of alternatives is refused, not expanded."""
    with pytest.raises(InvalidExpressionError, match="more than 256 alternatives"):
        alternatives(_MANY)


_WORDS = st.sampled_from(["MIT", "GPL", "AND", "OR", "WITH", "(", ")", "+", ",", "foo bar", "\n", "!"])


@given(st.lists(_WORDS, max_size=10).map(" ".join))
def test_expressions_that_cannot_be_read_are_refused_as_such(expression: str) -> None:
    """Whatever the parser trips over is an expression that cannot be read, and nothing else is raised."""
    try:
        found = alternatives(expression)
    except InvalidExpressionError:
        return
    assert all(found)
