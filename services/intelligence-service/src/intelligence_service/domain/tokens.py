"""Tokens and what they cost."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

_BYTES_PER_TOKEN = 3
"""Common tokenisers make a token of three to four bytes of English; three errs to the dear side."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a model's tokens cost, in units of the currency for a million of them."""

    input: Decimal = Decimal(0)
    output: Decimal = Decimal(0)

    def of(self, input_tokens: int, output_tokens: int) -> int:
        """Work out a cost.

        Args:
            input_tokens: Tokens of the question.
            output_tokens: Tokens of the answer.

        Returns:
            Millionths of a unit of the currency, rounded up.
        """
        # The price is for a million tokens, so that one token's price in millionths is the same number.
        cost = self.input * input_tokens + self.output * output_tokens
        return int(cost.to_integral_value(rounding=ROUND_CEILING))


@dataclass(frozen=True, slots=True)
class Usage:
    """What one call of a model took."""

    input_tokens: int
    output_tokens: int
    cost_micros: int = 0
    """Millionths of a unit of the currency."""
    estimated: bool = False
    """Whether the tokens were worked out from the texts, because the server did not tell."""

    @property
    def tokens(self) -> int:
        """Tokens of question and answer."""
        return self.input_tokens + self.output_tokens

    def plus(self, other: "Usage", times: int) -> "Usage":
        """Add what other calls took.

        Args:
            other: What one of them took.
            times: How many there were.

        Returns:
            The sum.
        """
        return Usage(
            self.input_tokens + other.input_tokens * times,
            self.output_tokens + other.output_tokens * times,
            self.cost_micros + other.cost_micros * times,
            self.estimated or bool(times),
        )


NO_USAGE = Usage(0, 0)


def estimated_tokens(text: str) -> int:
    """Guess how many tokens a text has.

    Args:
        text: Any text.

    Returns:
        A number that is seldom too small for languages in Latin script.
    """
    return -(-len(text.encode("utf-8", errors="replace")) // _BYTES_PER_TOKEN)
