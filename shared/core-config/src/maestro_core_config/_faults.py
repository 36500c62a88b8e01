"""What can be wrong with configuration, all of it at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """One thing that is wrong."""

    field: str
    """The setting's name, dotted where nested; empty when a whole file is at fault."""

    source: str
    """Where the value came from: a variable's name, `file:line`, or "nowhere"."""

    message: str
    """What is wrong. Never holds a value, which might be secret."""

    hint: str = ""
    """What to do about it, when that is known."""

    def __str__(self) -> str:
        what = f"{self.field}: {self.message}" if self.field else self.message
        return f"{what} (from {self.source})" + (f"; {self.hint}" if self.hint else "")


class ConfigError(Exception):
    """The configuration cannot be used.

    Attributes:
        service: The service it is for.
        faults: Everything that is wrong.
    """

    code: ClassVar[str] = "CONFIG_INVALID"

    def __init__(self, service: str, faults: Iterable[ConfigFault]) -> None:
        self.service = service
        self.faults = tuple(faults)
        lines = "".join(f"\n  - {fault}" for fault in self.faults)
        super().__init__(f"the configuration of {service} has {len(self.faults)} fault(s):{lines}")
