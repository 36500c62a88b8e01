"""Whether anybody receives spans, asked by what would otherwise build something for nobody."""

from typing import Final


class Receivers:
    """The answer, for the whole process: OpenTelemetry allows one provider of spans in it.

    Attributes:
        present: Whether somebody receives spans.
    """

    __slots__ = ("present",)

    def __init__(self) -> None:
        self.present = False


RECEIVERS: Final = Receivers()
