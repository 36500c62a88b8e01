"""Reading tasks: what all kinds share, and which module reads which kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from maestro_workflow_engine.dsl import tasks
from maestro_workflow_engine.dsl._durations import Duration, parse_timeout
from maestro_workflow_engine.dsl._expressions import AFTER_TASK, BEFORE_TASK, IN_TASK, SECRETS, parse_expression
from maestro_workflow_engine.dsl._faults import suggest
from maestro_workflow_engine.dsl._model import CONTINUE, END, EXIT, Task, TaskList
from maestro_workflow_engine.dsl._node import Node
from maestro_workflow_engine.dsl._parse_data import parse_data
from maestro_workflow_engine.dsl._secrets import check_secrets
from maestro_workflow_engine.dsl._use import Use

COMMON = ("if", "input", "output", "export", "timeout", "then", "metadata")
"""The fields that every task may have."""


@dataclass
class DocumentParser:
    """Reads the tasks of one document."""

    use: Use
    _directives: list[tuple[Node, str]] = field(default_factory=list)
    """Directives of the list that is being read, to be looked up when its names are known."""

    def task_list(self, node: Node, scope: frozenset[str]) -> TaskList:
        """Read a list of tasks; see `Parser.task_list`."""
        tasks, names, directives = self._read_list(node, scope)
        for at, target in directives:
            if target not in names:
                hint = suggest(target, [*names, CONTINUE, EXIT, END])
                at.fault(f"no task named {target!r} in the same list of tasks", hint)
            elif names[target] > 1:
                at.fault(f"{names[target]} tasks of this list are named {target!r}; it is not clear which one is meant")
        return tasks

    def branches(self, node: Node, scope: frozenset[str]) -> TaskList:
        """Read tasks that run at the same time; see `Parser.branches`."""
        tasks, _, directives = self._read_list(node, scope)
        for at, target in directives:
            at.fault(f"leads to {target!r}, but branches run at the same time: none leads to another")
        return tasks

    def directive(self, node: Node) -> str:
        """Read a flow directive; see `Parser.directive`."""
        target = node.text()
        if target and target not in {CONTINUE, EXIT, END}:
            self._directives.append((node, target))
        return target or CONTINUE

    def _read_list(self, node: Node, scope: frozenset[str]) -> tuple[TaskList, Counter[str], list[tuple[Node, str]]]:
        """Read the tasks of a list, and return the names in it and the directives to names beside them."""
        outer, self._directives = self._directives, []
        named = list(node.named_items("a task"))
        read = [self._task(name, item, scope) for name, item in named]
        directives, self._directives = self._directives, outer
        found = tuple(task for task in read if task is not None)
        positions = {task.name: position for position, task in enumerate(found)}
        return TaskList(found, positions), Counter(name for name, _ in named), directives

    def _task(self, name: str, node: Node, scope: frozenset[str]) -> Task | None:
        if not isinstance(node.value, dict):
            node.fault("must be a mapping that describes a task")
            return None
        kind = next((key for key in node.value if key in tasks.KINDS), None)
        if kind == "do" and "for" in node.value:
            kind = "for"
        if kind is None:
            self._no_kind(node)
            return None
        reader = tasks.KINDS[kind]
        fields = node.fields((*reader.FIELDS, *COMMON), reader.REQUIRED, what=f"a '{kind}' task")
        for key in {"call": ("with", "input"), "run": ("run",)}.get(kind, ()):
            if key in fields:
                check_secrets(fields[key], self.use.secrets)
        common = Task(
            name=name,
            reference=node.path,
            definition=node.value,
            body=reader.parse(fields, self, scope),
            condition=parse_expression(fields["if"], BEFORE_TASK | scope) if "if" in fields else None,
            input=parse_data(
                fields.get("input"), "from", BEFORE_TASK | scope | (SECRETS if kind == "call" else set()), self.use
            ),
            output=parse_data(fields.get("output"), "as", IN_TASK | scope, self.use),
            export=parse_data(fields.get("export"), "as", AFTER_TASK | scope, self.use),
            timeout=self.timeout(fields["timeout"], BEFORE_TASK | scope) if "timeout" in fields else None,
            then=self.directive(fields["then"]) if "then" in fields else CONTINUE,
            kind=kind,
        )
        if "metadata" in fields and not isinstance(fields["metadata"].value, dict):
            fields["metadata"].fault("must be a mapping")
        return common

    def timeout(self, node: Node, scope: frozenset[str]) -> Duration | None:
        """Read a timeout, or the name of one under `use.timeouts`."""
        if isinstance(node.value, str):
            return self.use.timeout(node)
        return parse_timeout(node, scope)

    def functions(self) -> dict[str, Task]:
        """Read the functions under `use.functions`."""
        read = {name: self._task(name, node, frozenset()) for name, node in self.use.functions.items()}
        return {name: task for name, task in read.items() if task is not None}

    def function(self, name: str, node: Node) -> Task | None:
        """Read a function that came from elsewhere: the definition of a task.

        Args:
            name: What it is called.
            node: The definition.

        Returns:
            The function; None after a fault.
        """
        return self._task(name, node, frozenset())

    @staticmethod
    def _no_kind(node: Node) -> None:
        kinds = ", ".join(tasks.KINDS)
        hints = (suggest(key, tasks.KINDS) for key in node.value if key not in COMMON)
        node.fault(f"says not what to do; a task has one of {kinds}", next((hint for hint in hints if hint), None))
