"""What is wrong with a document: one record per fault, and the error that carries them all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from maestro_workflow_engine._errors import WorkflowDefinitionError


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a document."""

    path: str
    """JSON Pointer (RFC 6901) of the value at fault, such as `/do/0/greet/call`; empty for the whole document."""
    message: str
    """What is wrong, in one line. Starts with "not supported yet" where the document is right and the engine is not there yet."""
    line: int | None = None
    """Line of that value in the text, from 1; None when the document did not come as text."""
    column: int | None = None
    """Column of that value in its line, from 1; None when the document did not come as text."""
    hint: str | None = None
    """What was probably meant; None when nothing comes close."""
    rule: str = "invalid"
    """What kind of fault it is, as a stable word such as `unknown-field`, for programs."""

    def __str__(self) -> str:
        """Return the fault as one line: where, what, and what was probably meant."""
        where = self.path or "(document)"
        place = f" (line {self.line}, column {self.column})" if self.line is not None else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{where}{place}: {self.message}{hint}"


class DocumentError(WorkflowDefinitionError):
    """A document cannot be run. It lists every fault that was found, not only the first.

    Attributes:
        faults: The faults, in the order of the document.
    """

    code = "DOCUMENT_INVALID"

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        count = f"{len(self.faults)} fault{'s' if len(self.faults) != 1 else ''}"
        super().__init__("\n".join([f"the workflow document has {count}:", *(f"  {fault}" for fault in self.faults)]))


def suggest(word: str, known: Iterable[str]) -> str | None:
    """Find what a misspelt word was probably meant to be.

    Args:
        word: The word that is not known.
        known: The words that would be.

    Returns:
        A hint such as "did you mean 'endpoint'?"; None when nothing comes close.
    """
    candidates = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), candidates, n=1, cutoff=0.6)
    return f"did you mean {candidates[close[0]]!r}?" if close else None
