import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from intelligence_service.domain.licenses import LicenseRecognizer
from intelligence_service.evaluate import cases, ids_of, main, same_up_to_version_choice

Texts = Callable[[str], str]


def install(folder: Path, name: str, declared: str | None, texts: dict[str, str]) -> None:
    info = folder / f"{name}-1.0.dist-info"
    (info / "licenses").mkdir(parents=True)
    expression = f"License-Expression: {declared}\n" if declared else ""
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{expression}", encoding="utf-8")
    record = [f"{info.name}/METADATA,,"]
    for file, text in texts.items():
        (info / "licenses" / file).write_text(text, encoding="utf-8")
        record.append(f"{info.name}/licenses/{file},,")
    (info / "RECORD").write_text("\n".join(record), encoding="utf-8")


def test_ground_truth_is_what_declares_and_ships(tmp_path: Path) -> None:
    """Distributions without a declaration or without texts are no ground truth."""
    install(tmp_path, "alpha", "MIT", {"LICENSE": "text"})
    install(tmp_path, "beta", None, {"LICENSE": "text"})
    install(tmp_path, "gamma", "MIT", {})
    (case,) = cases([str(tmp_path)])
    assert (case.name, case.declared, case.texts) == ("alpha", "MIT", (("LICENSE", "text"),))


@pytest.mark.parametrize(
    ("expression", "ids"),
    [
        (None, set()),
        ("MIT", {"MIT"}),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", {"MPL-2.0", "Apache-2.0", "MIT"}),
        ("Apache-2.0 WITH LLVM-exception AND MIT", {"Apache-2.0 WITH LLVM-exception", "MIT"}),
        ("LGPL-2.1", {"LGPL-2.1-only"}),
    ],
)
def test_ids_are_read_from_expressions(expression: str | None, ids: set[str]) -> None:
    """Operators and brackets go, exceptions stay with their licence, deprecated names are read as today's."""
    assert ids_of(expression) == ids


def test_a_choice_of_version_that_no_text_shows_does_not_count(recognizer: LicenseRecognizer, spdx: Texts) -> None:
    """`-or-later` against `-only` is the same text; another licence is not."""
    findings = recognizer.recognize([("COPYING", spdx("GPL-2.0-only"))])
    assert same_up_to_version_choice(frozenset({"GPL-2.0-or-later"}), findings)
    assert not same_up_to_version_choice(frozenset({"GPL-3.0-or-later"}), findings)
    assert not same_up_to_version_choice(frozenset({"GPL-2.0-or-later", "MIT"}), findings)


def test_the_report_counts_and_names_differences(
    tmp_path: Path, spdx: Texts, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command prints what differs from the declaration, and the shares."""
    install(tmp_path, "alpha", "MIT", {"LICENSE": spdx("MIT")})
    install(tmp_path, "beta", "MIT", {"LICENSE": spdx("MIT"), "LICENSE.vendored": spdx("Zlib")})
    install(tmp_path, "gamma", "ISC", {"LICENSE": spdx("Zlib")})
    main(["--path", str(tmp_path)])
    out = capsys.readouterr().out
    assert "beta: declared MIT; recognised MIT AND Zlib" in out
    assert "gamma: declared ISC; recognised Zlib" in out
    assert "same ids: 1 (33.3%); every declared id found: 2 (66.7%)" in out


def test_this_environment_is_recognised(recognizer: LicenseRecognizer) -> None:
    """Of the installed distributions that declare a licence, nearly all ship the declared texts recognisably.

    Not "the same ids": some declare less than they ship, for they vendor other projects.
    """
    missed = [
        (case.name, case.declared, findings.expression)
        for case, findings in ((case, recognizer.recognize(case.texts)) for case in cases(sys.path))
        if not ids_of(case.declared) <= set(findings.ids)
        and not same_up_to_version_choice(ids_of(case.declared), findings)
    ]
    total = len(list(cases(sys.path)))
    assert total >= 20
    assert len(missed) / total <= 0.1, missed
