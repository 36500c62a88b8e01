"""What can be wrong with one jq program."""

from __future__ import annotations

import re

from maestro_workflow_engine.dsl._expressions import ARGUMENTS
from maestro_workflow_engine.dsl._faults import suggest
from maestro_workflow_engine.dsl._jq import JqError, compile_program
from maestro_workflow_engine.dsl._paths import plain_path
from maestro_workflow_engine.dsl._scan import scan
from maestro_workflow_engine.dsl.validation._programs import FoundProgram
from maestro_workflow_engine.dsl.validation._rules import Finding, Findings


def check_program(found: FoundProgram, findings: Findings) -> None:
    """Check a program's syntax, the names it uses, and that it gives the same in every replay.

    Args:
        found: The program, and where it stands.
        findings: Takes what is noticed.
    """
    program, scope = found.program, found.scope
    if not program.strip():
        findings.fault(found.where, "empty-expression", "the expression is empty")
        return
    path = plain_path(program)
    if path is not None and (path.variable is None or path.variable in scope):
        return
    names = scan(program)
    for name in names.impure:
        message = f"expression {program!r} uses {name!r}, whose result could differ when the run is replayed"
        hint = f"did you mean ${name}?" if name in scope else None
        findings.append(_at_word(found, "impure-builtin", message, hint, name))
    try:
        compile_program(program, tuple(sorted(names.variables & scope)))
    except JqError as error:
        unknown = [name for name in sorted(names.variables - scope) if f"${name} is not defined" in str(error)]
        for name in unknown:
            message = f"expression {program!r} uses ${name}, which {_reason(name, scope)}"
            hint = suggest(name, scope) if name not in ARGUMENTS else None
            findings.append(_at_word(found, "unknown-variable", message, hint, f"${name}"))
        if not unknown:
            findings.append(_syntax(found, error))


def _reason(name: str, scope: frozenset[str]) -> str:
    known = ", ".join(f"${other}" for other in sorted(scope))
    problem = "is not available here" if name in ARGUMENTS else "is not defined"
    return f"{problem} (there are {known})"


def _syntax(found: FoundProgram, error: JqError) -> Finding:
    lines = found.program.split("\n")
    line, column = error.line or 1, error.column or 1
    if line > len(lines):  # jq ran over the end, into the line that closes the program's bracket
        line, column = len(lines), len(lines[-1])
    message = f"expression {found.program!r} is no jq program: {error}"
    return Finding(found.where, "not-a-program", message, within=(found.program, line, column))


def _at_word(found: FoundProgram, rule: str, message: str, hint: str | None, word: str) -> Finding:
    match = re.search(rf"(?<![\w$.]){re.escape(word)}\b", found.program)
    before = found.program[: match.start() if match else 0]
    within = (found.program, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
    return Finding(found.where, rule, message, hint, within=within)
