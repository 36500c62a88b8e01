from collections.abc import Callable

import pytest

from intelligence_service.domain.licenses import LicenseRecognizer

Texts = Callable[[str], str]

GPL_HEADER = (
    "This program is free software: you can redistribute it and/or modify it under the terms of the GNU General Public "
    "License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any "
    "later version.\n\nThis program is distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; without "
    "even the implied warranty of MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE. See the GNU General Public License "
    "for more details.\n\nYou should have received a copy of the GNU General Public License along with this program. If "
    "not, see <https://www.gnu.org/licenses/>."
)
EITHER = "This software is made available under the terms of *either* of the licenses found in LICENSE.APACHE or LICENSE.BSD."


def test_several_texts_are_joined_by_and_in_order_of_id(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """What every file says holds; the expression is sorted and names each licence once."""
    found = recognizer.recognize(
        [("LICENSE", spdx("MIT")), ("vendor/A", spdx("BSD-2-Clause")), ("vendor/B", spdx("MIT"))]
    )
    assert found.expression == "BSD-2-Clause AND MIT"
    assert found.ids == ("BSD-2-Clause", "MIT")
    assert found.confidence > 0.97


def test_a_statement_of_choice_makes_it_or(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """A file that says "either of the licenses" turns its folder's licences into a choice."""
    found = recognizer.recognize(
        [("LICENSE", EITHER), ("LICENSE.APACHE", spdx("Apache-2.0")), ("LICENSE.BSD", spdx("BSD-2-Clause"))]
    )
    assert found.expression == "Apache-2.0 OR BSD-2-Clause"


def test_a_choice_does_not_reach_beyond_its_folder(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """The choice in a vendored package does not touch the licence of the whole."""
    found = recognizer.recognize(
        [
            ("LICENSE", spdx("MIT")),
            ("vendor/LICENSE", EITHER),
            ("vendor/LICENSE.APACHE", spdx("Apache-2.0")),
            ("vendor/LICENSE.BSD", spdx("BSD-2-Clause")),
        ]
    )
    assert found.expression == "MIT AND (Apache-2.0 OR BSD-2-Clause)"


def test_a_choice_within_one_text(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """A text may offer the choice and hold the licences itself."""
    text = f"Dual licensed under the MIT license or the ISC license.\n\n{spdx('MIT')}\n\n{spdx('ISC')}"
    assert recognizer.recognize([("LICENSE", text)]).expression == "ISC OR MIT"


def test_a_header_decides_between_only_and_or_later(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """The GPL's text is the same for both ids; a header says which is meant, and a note tells why."""
    found = recognizer.recognize([("COPYING", spdx("GPL-3.0-only")), ("NOTICE", GPL_HEADER)])
    assert found.expression == "GPL-3.0-or-later"
    assert any("a text says which is meant" in note for note in found.notes)


def test_a_sentence_decides_between_only_and_or_later(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """So does a sentence in another text."""
    texts = [
        ("COPYING", spdx("GPL-2.0-only")),
        ("NOTICE", "Licensed under the GNU GPL version 2 or any later version."),
    ]
    assert recognizer.recognize(texts).expression == "GPL-2.0-or-later"


def test_the_text_alone_leaves_the_choice_of_version_open(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """Without a header the plain id is answered and the other is told."""
    found = recognizer.recognize([("COPYING", spdx("LGPL-2.1-only"))])
    assert found.expression == "LGPL-2.1-only"
    assert any("LGPL-2.1-or-later" in note for note in found.notes)


def test_the_gpl_beside_the_lesser_gpl_is_not_a_second_licence(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """LGPL-3.0 incorporates GPL-3.0, whose text is therefore shipped beside it."""
    found = recognizer.recognize([("COPYING", spdx("GPL-3.0-only")), ("COPYING.LESSER", spdx("LGPL-3.0-only"))])
    assert found.expression == "LGPL-3.0-only"
    assert any("incorporates" in note for note in found.notes)


def test_the_two_in_one_file_are_the_lesser_gpl_too(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """The SPDX text of LGPL-3.0 repeats the GPL's; it is one licence."""
    assert recognizer.recognize([("LICENSE", spdx("LGPL-3.0-only"))]).expression == "LGPL-3.0-only"


def test_an_exception_joins_the_licence_it_can_belong_to(
    recognizer: LicenseRecognizer, spdx: Texts, spdx_exception: Texts
) -> None:
    """`WITH` goes to the licence in the same text that may carry the exception."""
    text = "\n\n".join([spdx("MIT"), spdx("Apache-2.0"), spdx_exception("LLVM-exception")])
    assert recognizer.recognize([("LICENSE", text)]).expression == "Apache-2.0 WITH LLVM-exception AND MIT"


def test_an_exception_without_a_licence_is_only_noted(
    recognizer: LicenseRecognizer, spdx: Texts, spdx_exception: Texts
) -> None:
    """An exception to the GPL says nothing about a BSD licence beside it."""
    found = recognizer.recognize([("LICENSE", f"{spdx('BSD-3-Clause')}\n\n{spdx_exception('GCC-exception-3.1')}")])
    assert found.expression == "BSD-3-Clause"
    assert any("GCC-exception-3.1" in note for note in found.notes)


@pytest.mark.parametrize("texts", [[], [("AUTHORS", "Jane Doe")]])
def test_nothing_recognised_gives_no_expression(recognizer: LicenseRecognizer, texts: list[tuple[str, str]]) -> None:
    """Without a licence text there is no expression and no confidence."""
    found = recognizer.recognize(texts)
    assert (found.expression, found.ids, found.confidence) == (None, (), 0.0)
