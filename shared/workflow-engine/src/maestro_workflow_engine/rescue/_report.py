"""What was found in a journal, and what was lost."""

from __future__ import annotations

import msgspec


class JournalLoss(msgspec.Struct, frozen=True):
    """Something of a journal that could not be read.

    Attributes:
        what: In words.
        run_id: The run concerned; None when it is not known, or none in particular.
    """

    what: str
    run_id: str | None = None

    def __str__(self) -> str:
        return self.what if self.run_id is None else f"run {self.run_id!r}: {self.what}"


class JournalReport(msgspec.Struct, kw_only=True):
    """What a journal holds.

    A bit that flipped inside a text can leave it readable and wrong: that is the one damage that no report can show.

    Attributes:
        path: The file.
        format_version: Its format version; None when that could not be read.
        is_newer: Whether a newer release wrote it.
        runs: How many runs could be read.
        events: How many events of theirs could be read.
        losses: What could not be read.
        findings: What SQLite says about the file's structure.
    """

    path: str
    format_version: int | None = None
    is_newer: bool = False
    runs: int = 0
    events: int = 0
    losses: list[JournalLoss] = []
    findings: list[str] = []

    @property
    def is_sound(self) -> bool:
        """Whether everything could be read and the file's structure is whole."""
        return not self.losses and not self.findings
