"""What can be wrong with configuration, all of it at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """One thing that is wrong."""

    field: str
    """The setting's name, dotted where nested; empty when a whole file, or several settings together, are at fault."""

    source: str
    """Where the value came from: a variable's name, `file:line`, "default", "nowhere" or
    "the settings together"."""

    message: str
    """What is wrong. Never holds a value, which might be secret."""

    hint: str = ""
    """What to do about it, when that is known."""

    def __str__(self) -> str:
        where = f" (from {self.source})" if self.field and self.source != "nowhere" else ""
        return f"{self.field or self.source}: {self.message}{where}" + (f"; {self.hint}" if self.hint else "")


class ConfigError(Exception):
    """The configuration cannot be used.

    Attributes:
        code: "CONFIG_INVALID".
        service: The service it is for.
        faults: Everything that is wrong.
    """

    code: ClassVar[str] = "CONFIG_INVALID"

    def __init__(self, service: str, faults: Iterable[ConfigFault]) -> None:
        self.service = service
        self.faults = tuple(faults)
        super().__init__(service, self.faults)  # so that it can be pickled

    def __str__(self) -> str:
        count = f"{len(self.faults)} fault{'' if len(self.faults) == 1 else 's'}"
        return f"the configuration of {self.service} has {count}:" + "".join(f"\n  - {fault}" for fault in self.faults)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint for a misspelt name.

    Args:
        name: What was written.
        known: What there is.

    Returns:
        The hint; empty when nothing comes close.
    """
    close = difflib.get_close_matches(name.lower().replace("-", "_"), list(known), n=1)
    return f"did you mean {close[0]}?" if close else ""
