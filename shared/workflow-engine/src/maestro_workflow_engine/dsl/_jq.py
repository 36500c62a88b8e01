"""Compiling jq programs once and running them with variables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Protocol, cast

import jq
import msgspec

from maestro_workflow_engine.dsl._scan import scan

RESULT_LIMIT = 8 * 1024 * 1024
"""How long what an expression gives may be, in characters of JSON."""
_REPETITIONS = 1_000_000
_REPEATS = "text is repeated"
_GUARD = (
    "def _as_it_is(a; b): a * b; "
    "def _multiply(a; b): b as $b | a as $a | "
    f'if ($a | type) == "string" or ($b | type) == "string" then error("{_REPEATS}") else _as_it_is($a; $b) end; '
)
"""Put before a program with `*` in it: text times a number may be any length, and then the program is run elsewhere.

jq compiles `*` to a call of `_multiply`, which finds this definition. The second argument is the outer loop, as in jq.
"""


class JqError(ValueError):
    """A program cannot be compiled, or failed while it ran; the message is jq's, tidied.

    Attributes:
        line: Line of the program that cannot be compiled, from 1; None when jq names none.
        column: Column in that line, from 1, in bytes as jq counts; None when jq names none.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class RepetitionError(JqError):
    """The program multiplies text, whose length nothing bounds."""


class _Compiled(Protocol):
    def input_text(self, text: str) -> Any: ...


class Program:
    """A compiled jq program.

    The jq library fixes variables when it compiles. To compile once, the variables are passed in beside the data
    and bound by a first line that is put before the program; the program itself starts on line 2. The result leaves
    as text, which keeps numbers that do not fit a double.

    Attributes:
        source: The program with that line, as it is compiled where nothing needs guarding.
        variables: The variables it may use.
    """

    def __init__(
        self,
        text: str,
        variables: tuple[str, ...],
        *,
        multiplies: bool = False,
        members: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        bound = ", ".join(f"{name}: ${name}" for name in variables)
        binding = f".[1] as {{{bound}}} | " if variables else ""
        self.variables = variables
        self._members = members or {}
        self.source = f"{binding}.[0] | (\n{text}\n) | tojson"
        self._compiled = _compile(f"{_GUARD if multiplies else ''}{self.source}")

    def encode(self, data: Any, variables: Mapping[str, Any]) -> str:
        """Write what the program is run on as JSON.

        Args:
            data: What `.` stands for.
            variables: The values of at least the variables the program was compiled for.

        Returns:
            The text.

        Raises:
            JqError: The data is no JSON, or nested too deeply.
        """
        whole = [data, {name: self._needed(name, variables[name]) for name in self.variables}]
        try:
            return msgspec.json.encode(whole).decode()
        except (TypeError, ValueError, RecursionError):  # text with lone surrogates, for one
            pass
        try:
            return json.dumps(whole, allow_nan=False)
        except ValueError as error:
            raise JqError(str(error)) from error
        except RecursionError as error:
            raise JqError("the data is nested too deeply") from error

    def _needed(self, name: str, value: Any) -> Any:
        """Return the part of a variable that the program looks at: `$workflow.id` needs no definition of the workflow."""
        members = self._members.get(name)
        if members is None or not isinstance(value, dict):
            return value
        return {key: value[key] for key in members if key in value}

    def first_two(self, text: str) -> list[Any]:
        """Run the program up to its second result.

        Args:
            text: What `encode` gave.

        Returns:
            No, one or two results.

        Raises:
            RepetitionError: It multiplies text, and was compiled with a guard against that.
            JqError: The program failed, or gave too much.
        """
        return run_compiled(self._compiled, text)

    def first_two_unguarded(self, text: str) -> list[Any]:
        """Run the program as it is written; see `first_two`."""
        return run_compiled(_compile(self.source), text)


def run_compiled(compiled: _Compiled, text: str) -> list[Any]:
    """Run a compiled program up to its second result; see `Program.first_two`."""
    try:
        return read_results(islice(iter(compiled.input_text(text)), 2))
    except RecursionError as error:
        raise JqError("what it gives is nested too deeply") from error
    except ValueError as error:
        if str(error) == _REPEATS:
            raise RepetitionError(_REPEATS) from error
        raise JqError(str(error)) from error


def read_results(texts: Any) -> list[Any]:
    """Read results from their texts.

    Args:
        texts: JSON texts.

    Raises:
        ValueError: One is too long.
    """
    results = []
    for text in texts:
        if len(text) > RESULT_LIMIT:
            raise ValueError(f"it gives more than {RESULT_LIMIT} characters")
        results.append(json.loads(text))
    return results


@lru_cache(maxsize=4096)
def _compile(source: str) -> _Compiled:
    try:
        return cast("_Compiled", jq.compile(source))
    except ValueError as error:
        raise JqError(_tidy(str(error)), *_place(str(error))) from error


@lru_cache(maxsize=4096)
def compile_program(text: str, variables: tuple[str, ...]) -> Program:
    """Compile a program, or return it compiled before.

    Args:
        text: The jq program.
        variables: The variables it may use, without `$`, sorted.

    Returns:
        The compiled program.

    Raises:
        JqError: The text is no jq program, or uses something that is not defined.
    """
    found = scan(text)
    # jq multiplies constants while it compiles, which happens here and cannot be stopped.
    if found.has_product and found.has_text and found.product_of_numbers > _REPETITIONS:
        raise JqError(f"it may repeat text more than {_REPETITIONS} times")
    return Program(text, variables, multiplies=found.has_product, members=found.members)


_PLACE = re.compile(r" at <top-level>, line \d+(?:, column \d+)?:?.*", re.DOTALL)

_LINE_AND_COLUMN = re.compile(r" at <top-level>, line (\d+)(?:, column (\d+))?")


def _place(message: str) -> tuple[int | None, int | None]:
    """Return line and column of the first error, our own first line not counted."""
    match = _LINE_AND_COLUMN.search(message)
    if match is None:
        return None, None
    return int(match[1]) - 1, int(match[2]) if match[2] else None


def _tidy(message: str) -> str:
    """Keep what jq says and drop where, which counts our own first line; one line per compile error."""
    found = [_PLACE.sub("", part).strip() for part in message.split("jq: error:") if part.strip()]
    return "; ".join(dict.fromkeys(part for part in found if part)) or message
