"""Compiling jq programs once and running them with variables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Protocol, cast

import jq


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


class _Compiled(Protocol):
    def input_text(self, text: str) -> Any: ...


class Program:
    """A compiled jq program.

    The jq library fixes variables when it compiles. To compile once, the variables are passed in beside the data
    and bound by a first line that is put before the program; the program itself starts on line 2. The result leaves
    as text, which keeps numbers that do not fit a double.
    """

    def __init__(self, text: str, variables: tuple[str, ...]) -> None:
        self._variables = variables
        bound = ", ".join(f"{name}: ${name}" for name in variables)
        binding = f".[1] as {{{bound}}} | " if variables else ""
        try:
            self._compiled = cast("_Compiled", jq.compile(f"{binding}.[0] | (\n{text}\n) | tojson"))
        except ValueError as error:
            raise JqError(_tidy(str(error)), *_place(str(error))) from error

    def first_two(self, data: Any, variables: Mapping[str, Any]) -> list[Any]:
        """Run the program up to its second result.

        Args:
            data: What `.` stands for.
            variables: The values of at least the variables the program was compiled for.

        Returns:
            No, one or two results.

        Raises:
            JqError: The program failed, or the data is no JSON.
        """
        try:
            text = json.dumps([data, {name: variables[name] for name in self._variables}], allow_nan=False)
            return [json.loads(result) for result in islice(iter(self._compiled.input_text(text)), 2)]
        except ValueError as error:
            raise JqError(str(error)) from error


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
    return Program(text, variables)


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
