"""From findings to faults: the line and column of each."""

from __future__ import annotations

from maestro_workflow_engine.dsl._faults import Fault
from maestro_workflow_engine.dsl._source import Source
from maestro_workflow_engine.dsl.validation._rules import Finding, path_of


def as_fault(finding: Finding, source: Source) -> Fault:
    """Give a finding its place.

    Args:
        finding: What was noticed.
        source: The document it was noticed in.

    Returns:
        The fault, with line and column when the document came as text.
    """
    path = path_of(finding.where)
    line, column = _nearest(path, source)
    if finding.within is not None and line is not None and column is not None:
        key = finding.where[1] if finding.where is not None else ""
        behind_key = column + (len(key) if isinstance(key, str) else 0)
        line, column = _inside(source.text or "", line, behind_key, finding.within) or (line, column)
    return Fault(path, finding.message, line, column, finding.hint, finding.rule)


def _nearest(path: str, source: Source) -> tuple[int | None, int | None]:
    while path not in source.places:
        if not path:
            return None, None
        path = path.rpartition("/")[0]
    return source.places[path]


def _inside(text: str, line: int, column: int, within: tuple[str, int, int]) -> tuple[int, int] | None:
    """Find a line of a program in the document, from the place of its value on; None where escapes or folding hide it."""
    program, program_line, program_column = within
    wanted = program.split("\n")[program_line - 1]
    indent = len(wanted) - len(wanted.lstrip())
    if not wanted.strip():
        return None
    lines = text.splitlines()
    start = line - 1
    for index in range(start + program_line - 1, min(len(lines), start + program_line + 2)):
        begin = column - 1 if index == start else 0
        opening = lines[index].find("${", begin) if program_line == 1 else -1
        found = lines[index].find(wanted.strip(), max(begin, opening + 2 if opening >= 0 else 0))
        if found >= 0:
            return index + 1, found + max(program_column - indent, 1)
    return None
