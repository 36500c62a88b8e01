"""Documents: loading them with every fault listed, and making workflows of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypeVar

from maestro_workflow_engine._definitions import WorkflowDefinition
from maestro_workflow_engine.dsl._durations import Duration
from maestro_workflow_engine.dsl._expressions import WORKFLOW_INPUT, WORKFLOW_OUTPUT
from maestro_workflow_engine.dsl._extensions import Extension, parse_extensions
from maestro_workflow_engine.dsl._faults import DocumentError, Fault, suggest
from maestro_workflow_engine.dsl._identity import DSL_VERSIONS, NAME, VERSION
from maestro_workflow_engine.dsl._interpreter import interpreter
from maestro_workflow_engine.dsl._model import NO_TRANSFORMATION, Task, TaskList, Transformation
from maestro_workflow_engine.dsl._node import FaultLog, Node
from maestro_workflow_engine.dsl._parse_data import parse_data
from maestro_workflow_engine.dsl._parser import DocumentParser
from maestro_workflow_engine.dsl._resolver import PROTOCOLS, StepResolver, Steps, find_function
from maestro_workflow_engine.dsl._schedule import Schedule, parse_schedule
from maestro_workflow_engine.dsl._schemas import Schema
from maestro_workflow_engine.dsl._source import Source, read_source
from maestro_workflow_engine.dsl._use import NO_COMPONENTS, Use, parse_use
from maestro_workflow_engine.dsl.tasks._call_step import CallStep
from maestro_workflow_engine.dsl.tasks._run_process import RunProcess
from maestro_workflow_engine.dsl.validation import Report, check, validate

T = TypeVar("T")

_SECTIONS = ("document", "input", "use", "do", "timeout", "output", "schedule", "evaluate")
_HEAD = ("dsl", "namespace", "name", "version", "title", "summary", "tags", "metadata")


@dataclass(frozen=True)
class WorkflowDocument:
    """A document that was loaded without a fault."""

    namespace: str
    name: str
    version: str
    """The workflow's own semantic version."""
    dsl: str
    """The version of the DSL it is written in."""
    title: str | None
    summary: str | None
    definition: Mapping[str, Any] = field(repr=False)
    """The whole document as plain values."""
    tasks: TaskList = field(repr=False)
    input: Transformation = field(default=NO_TRANSFORMATION, repr=False)
    output: Transformation = field(default=NO_TRANSFORMATION, repr=False)
    timeout: Duration | None = field(default=None, repr=False)
    schedule: Schedule | None = field(default=None, repr=False)
    use: Use = field(default=NO_COMPONENTS, repr=False)
    functions: Mapping[str, Task] = field(default_factory=dict, repr=False)
    """What is under `use.functions`."""
    extensions: tuple[Extension, ...] = field(default=(), repr=False)
    log: FaultLog | None = field(default=None, repr=False, compare=False)
    """Knows the line and column of every value."""

    @property
    def qualified_name(self) -> str:
        """The workflow's name with its namespace: "namespace/name"."""
        return f"{self.namespace}/{self.name}"

    def calls(self) -> Iterator[CallStep]:
        """Yield every call of a registered step, in the order of the document."""
        yield from self._bodies(CallStep)

    def input_violations(self, value: object) -> str | None:
        """Check an input before a run is started with it.

        Args:
            value: Any JSON value.

        Returns:
            What is wrong with it; None when it fits, and where the schema is absent or stands elsewhere: the run itself gets that.
        """
        schema = self.input.schema
        return schema.violations(value) if isinstance(schema, Schema) else None

    def processes(self) -> Iterator[RunProcess]:
        """Yield every process that is run, in the order of the document."""
        yield from self._bodies(RunProcess)

    def _bodies(self, kind: type[T]) -> Iterator[T]:
        yield from _bodies(self.tasks, kind)
        for function in self.functions.values():
            yield from _bodies(function.body, kind)
        for extension in self.extensions:
            yield from _bodies(extension, kind)

    def as_workflow(
        self, resolver: StepResolver | None = None, *, lifecycle_events: bool = False
    ) -> WorkflowDefinition[..., Any]:
        """Make a workflow of the document.

        Args:
            resolver: Finds the steps that the document calls. Default: no registered steps, and HTTP by httpx2.
            lifecycle_events: Whether its runs publish the lifecycle events of the specification. Default: they do not.

        Returns:
            A workflow named "namespace/name" with the document's version, taking one JSON value as its input.

        Raises:
            DocumentError: The document calls steps that the resolver does not know, or runs processes that it does not allow;
                all are listed.
        """
        resolver = resolver or Steps()
        log = self.log or FaultLog({})
        faults = [
            Fault(
                call.path,
                f"there is no step named {call.name!r}",
                *log.place(call.path),
                suggest(call.name, [*PROTOCOLS, *self.functions, *resolver.names()]),
            )
            for call in self.calls()
            if find_function(resolver, call.name) is None
        ]
        for process in self.processes():
            refusal = resolver.processes.refusal(process.kind)
            if refusal is not None:
                faults.append(Fault(process.path, refusal, *log.place(process.path)))
        if faults:
            raise DocumentError(faults)
        run = interpreter(self, resolver, lifecycle_events=lifecycle_events)
        return WorkflowDefinition(run, name=self.qualified_name, version=self.version)


def load_document(document: str | bytes | Mapping[str, Any]) -> WorkflowDocument:
    """Load a workflow document (Open Workflow DSL 1.0.0 to 1.0.3).

    Args:
        document: YAML 1.2 or JSON text, or its plain values.

    Returns:
        The document, its expressions compiled.

    Raises:
        DocumentError: It cannot be run. All faults are listed, each with its path; line and column for text.
    """
    try:
        source = read_source(document)
        return _load_source(source)
    except RecursionError as error:
        raise DocumentError([Fault("", "is nested too deeply")]) from error


def validate_document(document: str | bytes | Mapping[str, Any]) -> Report:
    """Check a document against the whole DSL (1.0.0 to 1.0.3), without running it.

    Args:
        document: YAML 1.2 or JSON text, or its plain values.

    Returns:
        Every fault and warning at once, each with its path, and for text its line and column; and for a document
        without a fault what of it this release cannot run.
    """
    return validate(document, _load_alone)


def _load_source(source: Source) -> WorkflowDocument:
    loaded, log = _load_parts(source)
    told = {fault.path for fault in log.faults}
    faults = [*log.faults, *(fault for fault in check(source).faults if not _follows(fault.path, told))]
    if faults or loaded is None:
        raise DocumentError(sorted(faults, key=lambda fault: (fault.line or 0, fault.column or 0)))
    return loaded


def _load_alone(source: Source) -> None:
    """Load a document that has been checked."""
    loaded, log = _load_parts(source)
    if loaded is None:
        raise DocumentError(log.faults)


def _load_parts(source: Source) -> tuple[WorkflowDocument | None, FaultLog]:
    log = FaultLog(source.places, list(source.faults))
    return _load(Node(source.data, "", log)), log


def _follows(path: str, told: set[str]) -> bool:
    """Tell whether something is said already about a value, what is around it, or what is in it."""
    return any(path == other or path.startswith(f"{other}/") or other.startswith(f"{path}/") for other in told)


def _load(root: Node) -> WorkflowDocument | None:
    sections = root.fields(_SECTIONS, ("document", "do"), what="the document")
    head = _read_head(sections["document"]) if "document" in sections else {}
    schedule = parse_schedule(sections["schedule"]) if "schedule" in sections else None
    root.log.dsl = head.get("dsl", "")
    if "evaluate" in sections:
        _check_evaluation(sections["evaluate"])
    parser = DocumentParser(parse_use(sections["use"]) if "use" in sections else Use())
    tasks = parser.task_list(sections["do"], frozenset()) if "do" in sections else None
    functions = parser.functions()
    extensions = parse_extensions(parser.use.extensions, parser) if parser.use.extensions is not None else ()
    data_in = parse_data(sections.get("input"), "from", WORKFLOW_INPUT, parser.use)
    data_out = parse_data(sections.get("output"), "as", WORKFLOW_OUTPUT, parser.use)
    timeout = parser.timeout(sections["timeout"], WORKFLOW_OUTPUT) if "timeout" in sections else None
    if tasks is None or root.log.faults:
        return None
    return WorkflowDocument(
        namespace=head["namespace"],
        name=head["name"],
        version=head["version"],
        dsl=head["dsl"],
        title=head.get("title"),
        summary=head.get("summary"),
        definition=root.value,
        tasks=tasks,
        input=data_in,
        output=data_out,
        timeout=timeout,
        schedule=schedule,
        use=parser.use,
        functions=functions,
        extensions=extensions,
        log=root.log,
    )


def _read_head(node: Node) -> dict[str, str]:
    fields = node.fields(_HEAD, ("dsl", "namespace", "name", "version"), what="'document'")
    head: dict[str, str] = {
        key: fields[key].text() for key in ("dsl", "namespace", "name", "version", "title", "summary") if key in fields
    }
    for key in ("namespace", "name"):
        if head.get(key) and not NAME.fullmatch(head[key]):
            fields[key].fault(f"{head[key]!r} is no {key}: use up to 63 letters, digits and '-' in between")
    if head.get("version") and not VERSION.fullmatch(head["version"]):
        fields["version"].fault(f"{head['version']!r} is no semantic version, such as 1.0.0")
    if head.get("dsl") and head["dsl"] not in DSL_VERSIONS:
        known = f"{DSL_VERSIONS[0]} to {DSL_VERSIONS[-1]}"
        fields["dsl"].fault(f"DSL version {head['dsl']!r} is not understood; this release understands {known}")
    for key in ("tags", "metadata"):
        if key in fields and not isinstance(fields[key].value, dict):
            fields[key].fault("must be a mapping")
    return head


def _check_evaluation(node: Node) -> None:
    fields = node.fields(("language", "mode"), what="'evaluate'")
    if "language" in fields and fields["language"].text() not in {"jq", ""}:
        fields["language"].unsupported("expression languages other than jq")
    if "mode" in fields and fields["mode"].choice(("strict", "loose")) == "loose":
        node.log.is_loose = True


def _bodies(part: object, kind: type[T]) -> Iterator[T]:
    """Walk the model: bodies hold lists of tasks under whatever names they like."""
    if isinstance(part, kind):
        yield part
    elif isinstance(part, TaskList):
        for task in part.tasks:
            yield from _bodies(task.body, kind)
    elif is_dataclass(part) and not isinstance(part, type | Task):
        for member in fields(part):
            yield from _bodies(getattr(part, member.name), kind)
