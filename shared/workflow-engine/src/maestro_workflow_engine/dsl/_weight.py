"""How much work a jq program can make, told from its text: what may run where it cannot be stopped.

Nothing is run to find out, so that the answer is the same on every replay.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from maestro_workflow_engine.dsl._scan import Scan, scan

_STEPS = 4_000_000
"""How many values a program may be able to visit in this process: at worst, a fifth of a second."""
_VALUE = 4
"""How many characters of JSON a value takes, together with what separates it from the next."""
_STAGES = 60
"""More than this many stages or degrees count as so many, which is far too much in any case; it keeps numbers finite."""
_ESCAPED = 6
"""How many times longer a character may get where jq escapes it and its data did not."""
_TEXT = 1024 * 1024
"""How long its data may be, as JSON text."""

_WORDS = frozenset(
    {"and", "as", "catch", "elif", "else", "end", "false", "if", "not", "null", "or", "then", "true", "try"}
)
_LINEAR = frozenset({
    "abs", "add", "all", "any", "arrays", "ascii_downcase", "ascii_upcase", "booleans", "ceil", "date", "dateadd",
    "datesub", "empty", "endswith", "error", "explode", "fabs", "finites", "first", "floor", "from_entries", "fromdate",
    "fromdateiso8601", "fromjson", "getpath", "gmtime", "group_by", "has", "implode", "in", "infinite", "isempty", "isinfinite",
    "isnan", "isnormal", "iterables", "join", "keys", "keys_unsorted", "last", "length", "ltrim", "ltrimstr", "map", "map_values",
    "max", "max_by", "min", "min_by", "mktime", "nan", "normals", "nulls", "numbers", "objects", "pow", "reverse", "round",
    "rtrim", "rtrimstr", "scalars", "select", "sort", "sort_by", "split", "sqrt", "startswith", "strftime", "strings", "strptime",
    "to_entries", "toarray", "todate", "todateiso8601", "tojson", "tonumber", "tostring", "trim", "trimstr", "trunc", "type",
    "unique", "unique_by", "utf8bytelength", "values", "with_entries",
})  # fmt: skip
_QUADRATIC = frozenset({"contains", "del", "flatten", "index", "indices", "inside", "join", "rindex", "transpose"})
_WIDENS = frozenset({"explode", "to_entries", "tojson", "with_entries"})
_WIDTH = 16
"""How many times longer, at most, one of these or a format makes its data."""
_ITERATES = frozenset({
    "all", "any", "group_by", "map", "map_values", "max_by", "min_by", "sort_by", "unique_by", "with_entries",
})  # fmt: skip


@dataclass(frozen=True)
class Weight:
    """A bound for the work that a program makes: `growth` times the number of values in its data to the power of `degree`."""

    degree: int
    growth: float

    def is_light(self, length: int) -> bool:
        """Tell whether a program may run in this process.

        Args:
            length: The length of its data as JSON text, in characters.
        """
        return length <= _TEXT and self.growth * max(length / _VALUE, 1) ** self.degree <= _STEPS

    def longest(self, length: int) -> float:
        """Return a bound for the length of what a program without loops gives, as JSON text, in characters.

        Args:
            length: The length of its data as JSON text, in characters.
        """
        return self.growth * length * _ESCAPED


@lru_cache(maxsize=4096)
def weight(program: str) -> Weight | None:
    """Return a bound for the work of a program; None when its text gives none.

    There is none for programs that define functions, recurse, count, fold, search with regular expressions, write to places that
    they compute, or use anything that is not known to be harmless.

    Args:
        program: A correct jq program.
    """
    found = scan(program)
    if not found.names <= _WORDS | _LINEAR | _QUADRATIC or found.has_recursion or _writes_anywhere(found):
        return None
    if found.has_product and found.has_rescue:  # which would take the guard around `*` for an error of the program
        return None
    if "split" in found.with_more_arguments:  # by a regular expression
        return None
    loops = found.iterations + sum(found.counts.get(name, 0) for name in _ITERATES)
    variables = found.variable_uses
    degree = 1 + min(variables, loops) + max(found.iterations_at_once - 1, 0)
    degree += sum(found.counts.get(name, 0) for name in _QUADRATIC)
    # The product of how often each stage refers to its data is greatest when all stages do so equally often.
    growth = max(found.references / found.stages, 1.0) ** min(found.stages, _STAGES)
    wider = found.formats + sum(found.counts.get(name, 0) for name in _WIDENS)
    return Weight(min(degree, _STAGES), growth * _WIDTH ** min(wider, _STAGES))


def _writes_anywhere(found: Scan) -> bool:
    return found.has_assignment and (found.iterations > 0 or found.has_index)
