"""Signs that a text is about licensing although no reference agrees with it."""

import re
from collections.abc import Sequence

_TERMS = frozenset(
    {
        "conditions", "copies", "copyright", "damages", "derivative", "distribute", "distributed", "granted", "hereby",
        "liability", "liable", "license", "licensed", "licensee", "licenses", "licensor", "modification", "modify",
        "noninfringement", "permission", "permitted", "redistribute", "redistribution", "reproduce", "royalty",
        "sublicense", "terms", "warranties", "warranty",
    }
)  # fmt: skip
_ENOUGH = 5
_GRANT = re.compile(
    r"\b(?:licen[sc]ed?\s+(?:under|as|by)|under\s+(?:an?|the)\b[^.]{0,60}\blicen[sc]es?\b|licen[sc]e\s*:"
    r"|released\s+(?:under|into)|public\s+domain|dedicated\s+to\s+the\s+public|spdx-license-identifier)",
    re.IGNORECASE,
)
_CHOICE = re.compile(
    r"\beither\W+of\W+(?:the|these|two|the\s+two|the\s+following)\W+(?:\w+\W+){0,2}licen[sc]es"
    r"|\b(?:dual|triple|multi)\W?licen[sc]ed\b[^.]{0,120}\bor\b"
    r"|\bunder\s+(?:the\s+terms\s+of\s+)?either\b[^.]{0,120}\bor\b"
    r"|\byou\s+may\s+choose\b|\byour\s+choice\s+of\b",
    re.IGNORECASE,
)
_LATER = re.compile(
    r"\b(?:version\s*|v|gpl-?)\d[\d.]*\b[^;]{0,80}?\b(?:or|and)\b[^.;]{0,40}?\b(?:later|newer|greater)\b",
    re.IGNORECASE,
)


def speaks_of_licensing(words: Sequence[str], text: str) -> bool:
    """Tell whether a text may hold licence terms.

    Args:
        words: The text's normalised words.
        text: The text itself.

    Returns:
        True when it names a grant or uses several different words of licences.
    """
    return _GRANT.search(text) is not None or len(_TERMS.intersection(words)) >= _ENOUGH


def offers_choice(text: str) -> bool:
    """Tell whether a text lets the reader choose between licences.

    Args:
        text: The part of a text that is no licence itself.

    Returns:
        True when it says so in one of the usual phrases.
    """
    return _CHOICE.search(text) is not None


def allows_later_versions(text: str) -> bool:
    """Tell whether a text grants a licence "version N or later".

    Args:
        text: The part of a text that is no licence itself.

    Returns:
        True when it says so.
    """
    return _LATER.search(text) is not None
