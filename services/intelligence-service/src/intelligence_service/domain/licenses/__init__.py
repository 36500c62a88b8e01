"""Recognise the SPDX licence of a text by its similarity to the SPDX texts."""

from ._models import (
    LicenseCorpus,
    LicenseFindings,
    Passage,
    ReferenceKind,
    ReferenceText,
    TextFinding,
    Verdict,
)
from ._recognizer import LicenseRecognizer

__all__ = [
    "LicenseCorpus",
    "LicenseFindings",
    "LicenseRecognizer",
    "Passage",
    "ReferenceKind",
    "ReferenceText",
    "TextFinding",
    "Verdict",
]
