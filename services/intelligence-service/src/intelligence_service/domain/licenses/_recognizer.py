"""Recognise licences by the similarity of their text to the SPDX texts."""

from collections.abc import Iterable, Sequence

from ._combine import combine
from ._library import Library
from ._models import LicenseCorpus, LicenseFindings, ReferenceKind, TextFinding, Verdict
from ._normalize import normalize
from ._scan import scan
from ._signs import allows_later_versions, offers_choice, speaks_of_licensing

_MOST_WORDS = 200_000


class LicenseRecognizer:
    """Finds the SPDX ids of licence texts.

    Making one reads and indexes the whole corpus, which takes a second or two: make one and keep it.

    Args:
        corpus: Where the reference texts come from.
    """

    def __init__(self, corpus: LicenseCorpus) -> None:
        self.source = corpus.source
        """Name and version of the corpus."""
        self._library = Library(corpus.texts())

    @property
    def known_ids(self) -> frozenset[str]:
        """All ids of the corpus, licences and exceptions."""
        return self._library.ids

    def recognize(self, texts: Iterable[tuple[str, str]]) -> LicenseFindings:
        """Recognise the licences of one distribution.

        Args:
            texts: Name and content of each text.

        Returns:
            The SPDX expression over all texts, and the findings for each.
        """
        return combine([self.examine(name, text) for name, text in texts])

    def examine(self, name: str, text: str) -> TextFinding:
        """Look for licences in one text.

        Args:
            name: How to call the text in the answer.
            text: Its content. Of a text with more than 200,000 words only those are looked at.

        Returns:
            The recognised passages, or what the text resembles.
        """
        words = normalize(text)
        if len(words.words) > _MOST_WORDS:
            words = type(words)(words.words[:_MOST_WORDS], words.lines[:_MOST_WORDS])
        result = scan(self._library, words)
        rest = _outside(text, result.covered)
        choice = offers_choice(rest)
        recognized = any(p.kind is not ReferenceKind.EXCEPTION for p in result.passages)
        if recognized:
            verdict = Verdict.RECOGNIZED
        elif not choice and (result.candidates or speaks_of_licensing(words.words, text)):
            verdict = Verdict.OPEN
        else:
            verdict = Verdict.NONE
        return TextFinding(
            name=name,
            verdict=verdict,
            passages=result.passages,
            candidates=result.candidates,
            offers_choice=choice,
            allows_later=allows_later_versions(rest),
            unmatched_share=result.left / len(words.words) if words.words else 0.0,
        )


def _outside(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Keep the lines that no span of line numbers covers."""
    return "\n".join(
        line
        for number, line in enumerate(text.splitlines(), start=1)
        if not any(first <= number <= last for first, last in spans)
    )
