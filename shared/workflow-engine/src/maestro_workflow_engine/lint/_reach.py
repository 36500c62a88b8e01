"""From workflows to everything they reach: the findings of a whole set of modules."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable

from maestro_workflow_engine.lint._declared import is_free, workflows
from maestro_workflow_engine.lint._finding import Finding
from maestro_workflow_engine.lint._judge import Judgement, Offence, Reference, judge
from maestro_workflow_engine.lint._module import Module
from maestro_workflow_engine.lint._project import Project
from maestro_workflow_engine.lint._resolve import Resolver
from maestro_workflow_engine.lint._rules import NO_REASON
from maestro_workflow_engine.lint._scopes import Function, Scope


def findings(modules: Iterable[Module], project: Project) -> list[Finding]:
    """Judge what the workflows of some modules reach.

    Args:
        modules: Where workflows are looked for.
        project: Knows the modules that these import.

    Returns:
        The findings by place, each place and rule once, with the shortest way to it.
    """
    modules = list(modules)
    search = _Search(project)
    for module in modules:
        search.modules[module.bindings.root] = module
    found = [
        finding
        for module in modules
        for function in workflows(module, search.resolver)
        for finding in search.run(function)
    ]
    for module in search.reached:
        message = NO_REASON.message("this suppression")
        found.extend(
            Finding(module.path, each.line, each.column, NO_REASON.code, message, "")
            for each in module.suppressions.all
            if not each.reason
        )
    return list(nearest(found))


def nearest(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Keep each place and rule once, with the shortest way to it.

    Args:
        found: Findings, some of them of the same place.

    Returns:
        The findings by place.
    """
    by_place: dict[tuple[str, int, int, str], Finding] = {}
    for finding in sorted(found, key=lambda each: (len(each.trail), each)):
        by_place.setdefault((finding.path, finding.line, finding.column, finding.code), finding)
    return tuple(sorted(by_place.values()))


class _Search:
    def __init__(self, project: Project) -> None:
        self.resolver = Resolver(project)
        self.modules: dict[Scope, Module] = {}
        self.reached: dict[Module, None] = {}
        self._project = project
        self._judgements: dict[Function, Judgement] = {}

    def run(self, workflow: Function) -> list[Finding]:
        """Return what one workflow reaches, the nearest first."""
        found: list[Finding] = []
        trails: dict[Function, tuple[str, ...]] = {workflow: ()}
        waiting = deque([workflow])
        while waiting:
            function = waiting.popleft()
            module = self._module_of(function)
            if module is None:
                continue
            self.reached[module] = None
            if module.suppressions.cover(_header(function), None):
                continue
            judgement = self._judge(function, module)
            found.extend(
                _finding(offence, module, workflow, trails[function])
                for offence in judgement.offences
                if not module.suppressions.cover(_lines(offence), offence.rule.code)
            )
            for reference in judgement.references:
                target = reference.function
                if target in trails or is_free(target, self.resolver):
                    continue
                if not module.suppressions.cover(_lines(reference), None):
                    trails[target] = (*trails[function], target.name)
                    waiting.append(target)
        return found

    def _judge(self, function: Function, module: Module) -> Judgement:
        if function not in self._judgements:
            self._judgements[function] = judge(function, module.bindings, self.resolver)
        return self._judgements[function]

    def _module_of(self, function: Function) -> Module | None:
        root = function.scope.root()
        if root not in self.modules:
            module = self._project.module(root.module)
            if module is not None:
                self.modules[root] = module
        return self.modules.get(root)


def _finding(offence: Offence, module: Module, workflow: Function, trail: tuple[str, ...]) -> Finding:
    return Finding(
        path=module.path,
        line=offence.node.lineno,
        column=module.column(offence.node),
        code=offence.rule.code,
        message=offence.rule.message(offence.found),
        workflow=workflow.name,
        trail=trail,
    )


def _lines(place: Offence | Reference) -> set[int]:
    """List the lines on which a comment is about a place: its own, and the first and last of its statement."""
    node, statement = place.node, place.statement
    lines = set(range(node.lineno, (node.end_lineno or node.lineno) + 1)) | {statement.lineno}
    body = getattr(statement, "body", None)
    if not (isinstance(body, list) and body and isinstance(body[0], ast.stmt)):
        lines.add(statement.end_lineno or statement.lineno)
    return lines


def _header(function: Function) -> range:
    """List the lines of a function before its body."""
    node = function.node
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    return range(first, max(node.lineno + 1, node.body[0].lineno))
