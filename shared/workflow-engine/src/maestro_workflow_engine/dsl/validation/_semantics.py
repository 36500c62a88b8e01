"""What a JSON Schema cannot say: names, directives, expressions, schemas, and the version of the DSL."""

from __future__ import annotations

from typing import Any

from maestro_workflow_engine._cron import normalize
from maestro_workflow_engine.dsl._faults import suggest
from maestro_workflow_engine.dsl._identity import DSL_VERSIONS, VERSION
from maestro_workflow_engine.dsl.validation._expression_rules import check_program
from maestro_workflow_engine.dsl.validation._flow import check_flow
from maestro_workflow_engine.dsl.validation._names import UseNames, check_document_names, check_names
from maestro_workflow_engine.dsl.validation._programs import document_programs, task_programs
from maestro_workflow_engine.dsl.validation._rules import Findings
from maestro_workflow_engine.dsl.validation._schema_rules import check_schemas
from maestro_workflow_engine.dsl.validation._walk import blocks_of, member


def other_version(document: Any) -> str | None:
    """Return the version of the DSL that a document asks for, when it is one that is not understood."""
    version = member(member(document, "document"), "dsl")
    understood = not isinstance(version, str) or version in DSL_VERSIONS or not VERSION.fullmatch(version)
    return None if understood else version


def check_version(document: Any, findings: Findings) -> None:
    """Note the version of the DSL, and refuse those that are not understood."""
    findings.dsl = member(member(document, "document"), "dsl")
    version = other_version(document)
    if version is not None:
        known = f"{DSL_VERSIONS[0]} to {DSL_VERSIONS[-1]}"
        message = f"DSL version {version!r} is not understood; this release understands {known}"
        findings.fault(((None, "document"), "dsl"), "unknown-version", message, suggest(version, DSL_VERSIONS))


def check_semantics(document: Any, findings: Findings) -> None:
    """Check everything beyond the structure; faults of structure are passed over."""
    names = UseNames(document)
    evaluate = member(document, "evaluate")
    uses_jq = member(evaluate, "language") in (None, "jq")
    programs = Findings()
    check_document_names(document, names, findings)
    check_schemas(document, None, findings)
    _check_schedule(document, findings)
    if uses_jq:
        for program in document_programs(document):
            check_program(program, programs)
    for block in blocks_of(document):
        check_flow(block, findings)
        for entry in block.entries:
            check_names(entry, names, findings)
            check_schemas(entry.definition, entry.where, findings)
            if uses_jq:
                for program in task_programs(entry, block.variables):
                    check_program(program, programs)
    # In loose mode what is no program is text, which may be meant.
    is_loose = member(evaluate, "mode") == "loose"
    findings.extend(finding._replace(warning=is_loose) for finding in programs)


def _check_schedule(document: Any, findings: Findings) -> None:
    cron = member(member(document, "schedule"), "cron")
    if isinstance(cron, str):
        try:
            normalize(cron)
        except ValueError as error:
            message = f"{cron!r} is no cron expression: {error}"
            findings.fault(((None, "schedule"), "cron"), "not-a-cron-expression", message)
