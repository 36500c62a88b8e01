import pytest

from intelligence_service.domain.licenses._normalize import normalize


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Permission is HEREBY granted", "permission   is hereby\n granted,"),
        ("“as is”", '"AS IS"'),
        ("this licence", "this license"),
        ("# 1. Redistributions of source", " * Redistributions of source"),
        ("(a) The name", "The name"),
        ("see https://www.apache.org/licenses", "see http://apache.org/licenses"),
        ("redistri-\nbution is permitted", "redistribution is permitted"),
        ("to the <YEAR> holder", "to the holder"),
    ],
)
def test_differences_that_do_not_distinguish_licences_vanish(one: str, other: str) -> None:
    """Case, white space, punctuation, quotes, bullets, spelling, URL schemes and broken words do not matter."""
    assert normalize(one).words == normalize(other).words


@pytest.mark.parametrize(
    "line",
    [
        "Copyright (c) 2020 Somebody <me@example.org>",
        "copyright 2013-2026 Hynek Schlawack",
        "© 2001 The Authors",
        "(c) 1999 by Jane Doe",
        "# Portions Copyright 2004 The Regents",
        "All rights reserved.",
    ],
)
def test_copyright_notices_are_left_out(line: str) -> None:
    """A line that states a copyright holder is no part of the licence."""
    assert normalize(f"{line}\nkept words").words == ("kept", "words")


@pytest.mark.parametrize("line", ["copyright notice, this list of conditions", "COPYRIGHT HOLDERS AND CONTRIBUTORS"])
def test_conditions_about_copyright_stay(line: str) -> None:
    """A line of the conditions that begins with the word copyright is kept."""
    assert normalize(line).words[0] == "copyright"


def test_words_know_their_lines() -> None:
    """Every word carries the number of the line on which it stands."""
    assert normalize("one\n\ntwo three").lines == (1, 3, 3)


def test_nothing_comparable_gives_no_words() -> None:
    """A text of marks alone has no words."""
    assert normalize("*** --- ***\n").words == ()
