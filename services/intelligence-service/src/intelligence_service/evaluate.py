"""Measure licence recognition: `python -m intelligence_service.evaluate [--path SITE_PACKAGES]`.

Ground truth are installed distributions that declare a `License-Expression` (PEP 639) and ship their licence texts. The
declaration is what the project says of itself; it often leaves out what it vendors, so "covers" (every declared id was
found in the texts) is reported beside "same".
"""

import argparse
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from intelligence_service.domain.licenses import LicenseFindings, LicenseRecognizer
from intelligence_service.spdx_corpus import SpdxMatcherCorpus

_LICENSES = ".dist-info/licenses/"
_OPERATORS = frozenset({"AND", "OR"})
_DEPRECATED_GNU = re.compile(r"^(?:[AL]?GPL-\d\.\d|GFDL-\d\.\d)$")


@dataclass(frozen=True, slots=True)
class Case:
    """One distribution with a declared licence and its texts."""

    name: str
    declared: str
    texts: tuple[tuple[str, str], ...]


def ids_of(expression: str | None) -> frozenset[str]:
    """List the ids of an SPDX expression.

    Args:
        expression: The expression; None has no ids.

    Returns:
        The ids; `X WITH Y` is one, and deprecated names of GNU licences are read as `-only`.
    """
    joined = re.sub(r"\s+WITH\s+", "+WITH+", expression or "")
    names = [name for name in re.split(r"[\s()]+", joined) if name and name not in _OPERATORS]
    return frozenset(
        f"{name}-only" if _DEPRECATED_GNU.match(name) else name.replace("+WITH+", " WITH ") for name in names
    )


def cases(path: Sequence[str]) -> Iterator[Case]:
    """Find ground truth.

    Args:
        path: Folders with installed distributions.

    Yields:
        The distributions that declare a licence and ship texts, by name.
    """
    for distribution in sorted(distributions(path=list(path)), key=lambda item: item.name.lower()):
        declared = next(iter(distribution.metadata.get_all("License-Expression") or ()), None)
        texts = tuple(_texts(distribution))
        if declared and texts:
            yield Case(distribution.name, declared, texts)


def same_up_to_version_choice(declared: frozenset[str], findings: LicenseFindings) -> bool:
    """Compare ids, not minding a choice of version that no text shows.

    Args:
        declared: Declared ids.
        findings: What was recognised.

    Returns:
        True when the ids are the same, or differ only between ids that have the same text (`-only`, `-or-later`).
    """
    twins = {p.id: {p.id, *p.same_text} for text in findings.texts for p in text.passages}
    found = set(findings.ids)
    for name in declared - found:
        found = {name if name in twins.get(other, ()) else other for other in found}
    return found == declared


def _texts(distribution: Distribution) -> Iterator[tuple[str, str]]:
    for file in distribution.files or ():
        before, mark, name = str(file).partition(_LICENSES)
        path = Path(str(file.locate()))
        # A path in front of the mark belongs to a vendored distribution, which is not described by this metadata.
        if mark and "/" not in before and path.is_file():
            yield name, path.read_text(encoding="utf-8", errors="replace")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what is recognised otherwise than declared, and the counts.

    Args:
        arguments: Command line; None takes the process's.
    """
    parser = argparse.ArgumentParser(prog="python -m intelligence_service.evaluate", description=__doc__)
    parser.add_argument("--path", action="append", help="folder with installed distributions (default: this one's)")
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    recognizer = LicenseRecognizer(SpdxMatcherCorpus())
    loaded = time.perf_counter() - started
    total = same = covered = texts = 0
    started = time.perf_counter()
    for case in cases(options.path or sys.path):
        findings = recognizer.recognize(case.texts)
        declared = ids_of(case.declared)
        is_same = same_up_to_version_choice(declared, findings)
        total, texts, same = total + 1, texts + len(case.texts), same + is_same
        covered += is_same or declared <= set(findings.ids)
        if not is_same:
            _print(f"{case.name}: declared {case.declared}; recognised {findings.expression}")
    took = time.perf_counter() - started
    _print(f"{total} distributions with {texts} texts, by {recognizer.source}")
    if total:
        _print(f"same ids: {same} ({same / total:.1%}); every declared id found: {covered} ({covered / total:.1%})")
        _print(f"loading {loaded:.2f} s, then {took / texts * 1000:.1f} ms a text")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
