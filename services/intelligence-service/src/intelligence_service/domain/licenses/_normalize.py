"""Turn licence text into comparable words, after the SPDX licence list matching guidelines.

Source: SPDX specification 3.0, annex "License matching guidelines and templates": letter case, white space,
punctuation, quotation marks, list bullets, comment marks, copyright notices and listed spelling variants do not
distinguish licences.
"""

import re
import unicodedata
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_]+")
_BULLET = re.compile(r"^[\s#*/;>|%\"'.!-]*(?:\(?(?:\d{1,2}|[ivx]{1,4}|[a-z])[.)](?:\s+|$))?", re.IGNORECASE)
_COPYRIGHT_LINE = re.compile(
    r"^[\s#*/;>|%\"'.!<-]*(?:portions\s+)?"
    r"(?:copyright(?:s)?\b(?!\s+(?:notices?|holders?|owners?|licen[sc]es?|laws?|and|or|interests?|in|on|to|is|as|"
    r"treaty|treaties|statements?|disclaimers?|permission|protection|registration|by\s+law|act|claims?|the\s+above)\b)"
    r"|©|\(c\)\s*(?:\d|copyright|by\b|<)|all\s+rights\s+reserved\W*$)",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"<[^<>\n]{1,80}>")
_SCHEME = re.compile(r"\b(?:https?|ftp)://(?:www\.)?", re.IGNORECASE)
_HYPHEN = re.compile(r"\b([a-z]{2,})-\s*$")
_SPELLINGS = {
    "acknowledgement": "acknowledgment",
    "analogue": "analog",
    "authorisation": "authorization",
    "authorised": "authorized",
    "cancelled": "canceled",
    "favour": "favor",
    "fulfil": "fulfill",
    "licence": "license",
    "licenced": "licensed",
    "licences": "licenses",
    "merchantibility": "merchantability",
    "merchantable": "merchantability",
    "organisation": "organization",
    "organisations": "organizations",
    "recognised": "recognized",
    "sublicence": "sublicense",
    "utilisation": "utilization",
}


@dataclass(frozen=True, slots=True)
class Words:
    """The comparable words of a text and where they stood."""

    words: tuple[str, ...]
    """The normalised words, in order."""
    lines: tuple[int, ...]
    """For each word the number of its line in the text, from 1."""


def normalize(text: str) -> Words:
    """Reduce a text to the words by which licences are compared.

    Args:
        text: Any text.

    Returns:
        The words in order with their line numbers; empty when nothing comparable is left.
    """
    words: list[str] = []
    lines: list[int] = []
    broken = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not broken and _COPYRIGHT_LINE.match(line):
            continue
        cleaned = broken + _clean(line).lstrip() if broken else _clean(line)
        hyphen = _HYPHEN.search(cleaned)
        broken = hyphen.group(1) if hyphen else ""
        for match in _WORD.finditer(cleaned[: hyphen.start()] if hyphen else cleaned):
            word = match.group()
            words.append(_SPELLINGS.get(word, word))
            lines.append(number)
    if broken:
        words.append(broken)
        lines.append(number)
    return Words(tuple(words), tuple(lines))


def _clean(line: str) -> str:
    line = _BULLET.sub("", unicodedata.normalize("NFKC", line))
    return _SCHEME.sub(" ", _PLACEHOLDER.sub(" ", line)).lower()
