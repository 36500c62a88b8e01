"""Validating documents: everything that is wrong with one, at once, before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from maestro_workflow_engine.dsl._faults import DocumentError, Fault
from maestro_workflow_engine.dsl._source import Source, read_source
from maestro_workflow_engine.dsl.validation._places import as_fault
from maestro_workflow_engine.dsl.validation._rules import Finding, Findings
from maestro_workflow_engine.dsl.validation._semantics import check_semantics, check_version
from maestro_workflow_engine.dsl.validation._structure import structure


@dataclass(frozen=True)
class Report:
    """What was noticed about a document."""

    faults: tuple[Fault, ...] = ()
    """What makes it no document of the DSL, or one that could not run as it is meant to; in the order of the document."""
    warnings: tuple[Fault, ...] = ()
    """What the DSL allows and is probably not meant."""
    unsupported: tuple[Fault, ...] = ()
    """What is right and cannot be run by this release. Looked for in documents without a fault only."""
    definition: Any = field(default=None, repr=False)
    """The document as plain values; None when its text cannot be read."""

    @property
    def is_valid(self) -> bool:
        """Whether there is no fault."""
        return not self.faults


def check(source: Source) -> Report:
    """Check a document that has been read: its structure, then what its parts mean.

    Args:
        source: The document.

    Returns:
        Its faults and warnings; nothing about what is supported.
    """
    findings = Findings()
    check_version(source.data, findings)
    if not findings:  # another version of the DSL has rules of its own
        structure(source.data, None, findings)
        check_semantics(source.data, findings)
    return Report(
        _sorted([*source.faults, *(as_fault(finding, source) for finding in _first(findings) if not finding.warning)]),
        _sorted(as_fault(finding, source) for finding in findings if finding.warning),
        definition=source.data,
    )


def validate(document: str | bytes | Mapping[str, Any], load: Callable[[Source], object]) -> Report:
    """Check a document, and whether it can be run; see `validate_document`."""
    try:
        source = read_source(document)
        report = check(source)
        if not report.is_valid:
            return report
        try:
            load(source)
        except DocumentError as error:
            unsupported = tuple(replace(fault, rule="unsupported") for fault in error.faults)
            return replace(report, unsupported=unsupported)
    except DocumentError as error:
        return Report(error.faults)
    except RecursionError:
        return Report((Fault("", "is nested too deeply"),))
    return report


def _first(findings: Iterable[Finding]) -> Iterable[Finding]:
    """Leave out what follows from a fault of the same value: structure is checked first."""
    told: dict[object, str] = {}
    for finding in findings:
        if finding.warning or told.setdefault(finding.where, finding.rule) == finding.rule:
            yield finding


def _sorted(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(faults, key=lambda fault: (fault.line or 0, fault.column or 0)))
