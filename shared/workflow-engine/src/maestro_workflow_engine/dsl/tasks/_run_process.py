"""`run: container`, `run: script` and `run: shell`: a process on the host, as one durable step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from maestro_workflow_engine.dsl._durations import Duration, parse_duration
from maestro_workflow_engine.dsl._expressions import IN_TASK, SECRETS
from maestro_workflow_engine.dsl._frame import Frame
from maestro_workflow_engine.dsl._identity import WITH_NAMED_ARGUMENTS
from maestro_workflow_engine.dsl._late import Late, is_confidential
from maestro_workflow_engine.dsl._model import Outcome, Parser
from maestro_workflow_engine.dsl._node import Node, kind_of
from maestro_workflow_engine.dsl._process_request import (
    ContainerRequest,
    ProcessOutcome,
    ProcessRequest,
    as_text,
    as_texts,
)
from maestro_workflow_engine.dsl._template import Template, parse_template
from maestro_workflow_engine.dsl._text_resource import TextResource, parse_text_resource

_COMMON = ("stdin", "arguments", "environment")
_FIELDS = {
    "container": ("image", "name", "command", "ports", "volumes", "lifetime", "pullPolicy", *_COMMON),
    "script": ("language", "code", "source", *_COMMON),
    "shell": ("command", *_COMMON),
}
_REQUIRED = {"container": ("image",), "script": ("language",), "shell": ("command",)}
_LANGUAGES = {"js": "js", "javascript": "js", "python": "python"}
"""The reference's table says `js`, its examples say `javascript`."""
_TOLD = 2000
"""How much of the standard error output an error tells, in characters, from its end."""


@dataclass(frozen=True)
class RunProcess:
    """A process, its fields still to be filled in."""

    kind: str
    path: str
    """JSON Pointer of the process's definition in the document."""
    awaited: bool
    returned: str
    fields: Mapping[str, Template] = field(default_factory=dict)
    confidential: Mapping[str, Template] = field(default_factory=dict)
    """What of `environment` and `stdin` uses secrets, and is completed in the step."""
    language: str | None = None
    source: TextResource | None = None
    cleanup: str = "never"
    cleanup_after: Duration | None = None

    async def run(self, frame: Frame) -> Outcome:
        """Run the process; the output is what `return` says, and the input where the process is not waited for.

        An exit code other than 0 is the standard error "runtime", except where the code is asked for: with `return: code` and
        `return: all` it is data. A process that this host does not allow is the standard error "authorization", one that it has no
        program for "configuration".
        """
        outcome = await frame.shared.resolver.processes.step(await self._request(frame))
        if outcome.error is not None:
            title = "Timeout" if outcome.error == "timeout" else None
            raise frame.error(outcome.error, f"run: {self.kind}: {outcome.problem}", title=title)
        if not self.awaited:
            return Outcome(frame.input)
        if outcome.code != 0 and self.returned not in {"code", "all"}:
            raise frame.error("runtime", _failure(self.kind, outcome), title="Process failed")
        return Outcome(_output(outcome, self.returned))

    async def _request(self, frame: Frame) -> ProcessRequest:
        values = {name: await frame.filled(template, frame.input) for name, template in self.fields.items()}
        completed, late = await self._sealed(frame)
        code = values.get("command" if self.kind != "script" else "code")
        if self.source is not None:
            code = await self.source.fetch(frame)
        after_s = None
        if self.cleanup == "eventually" and self.cleanup_after is not None:
            after_s = (await frame.duration_of(self.cleanup_after, frame.input)).total_seconds()
        arguments, by_name = values.get("arguments", []), None
        if isinstance(arguments, dict):
            by_name = arguments if self.kind == "script" else None
            arguments = [] if by_name is not None else [_named(name, value) for name, value in arguments.items()]
        return ProcessRequest(
            kind=self.kind,
            language=self.language,
            code=None if code is None else as_text(code),
            arguments=[as_text(argument) for argument in arguments],
            variables=by_name,
            stdin=None if values.get("stdin") is None else as_text(values["stdin"]),
            environment=as_texts(values.get("environment")),
            container=self._container(frame, values, after_s) if self.kind == "container" else None,
            awaited=self.awaited,
            confidential=completed,
            late=late,
            secrets=list(frame.shared.use.secrets) if late else [],
        )

    async def _sealed(self, frame: Frame) -> tuple[dict[str, Any], list[Late]]:
        """Fill in what uses secrets, but for those: what there is of it, and what is missing."""
        values: dict[str, Any] = {}
        late: list[Late] = []
        for name, template in self.confidential.items():
            sealed = await frame.sealed(template, frame.input)
            values[name] = sealed.value
            late += [replace(each, at=[name, *each.at]) for each in sealed.late]
        return values, late

    def _container(self, frame: Frame, values: Mapping[str, Any], after_s: float | None) -> ContainerRequest:
        image = as_text(values["image"])
        if not image or image.startswith("-"):
            raise frame.error("configuration", f"{image!r} is no name of an image")
        head = frame.shared.workflow["definition"]["document"]
        name = f"{head['name']}-{{uuid}}.{head['namespace']}-{frame.described()['name']}"
        return ContainerRequest(
            image=image,
            name=as_text(values["name"]) if values.get("name") is not None else name,
            ports=as_texts(values.get("ports")),
            volumes=as_texts(values.get("volumes")),
            pull=values.get("pullPolicy", "ifNotPresent"),
            cleanup=self.cleanup,
            cleanup_after_s=after_s,
        )


def parse_process(
    kind: str, node: Node, parser: Parser, scope: frozenset[str], *, awaited: bool, returned: str
) -> RunProcess:
    """Read `run.container`, `run.script` or `run.shell`.

    Args:
        kind: Which of them.
        node: The field.
        parser: Knows the authentications under `use`.
        scope: The variables that enclosing tasks bind.
        awaited: `run.await`.
        returned: `run.return`.

    Returns:
        The task's body.
    """
    fields = node.fields(_FIELDS[kind], _REQUIRED[kind], what=f"'{kind}'")
    scope = IN_TASK | scope
    wider = {"environment": scope | SECRETS, "stdin": scope | SECRETS}
    for name in ("image", "name", "command", "code", "stdin"):
        if name in fields:
            fields[name].text()
    for name in ("ports", "volumes", "environment"):
        if name in fields and not isinstance(fields[name].value, dict):
            fields[name].fault(f"must be a mapping, not {kind_of(fields[name].value)}")
    if "arguments" in fields:
        _check_arguments(fields["arguments"], kind)
    if "pullPolicy" in fields:
        fields["pullPolicy"].choice(("ifNotPresent", "always", "never"))
    filled = {*_COMMON, "image", "name", "command", "code", "ports", "volumes", "pullPolicy"}
    cleanup, after = _parse_lifetime(fields["lifetime"], scope) if "lifetime" in fields else ("never", None)
    templates = {name: parse_template(item, wider.get(name, scope)) for name, item in fields.items() if name in filled}
    plain, confidential = _divided(templates, wider)
    return RunProcess(
        kind=kind,
        path=node.path,
        awaited=awaited,
        returned=returned,
        fields=plain,
        confidential=confidential,
        language=_parse_language(fields["language"]) if "language" in fields else None,
        source=_parse_source(node, fields, parser, scope) if kind == "script" else None,
        cleanup=cleanup,
        cleanup_after=after,
    )


def _divided(
    templates: Mapping[str, Template], wider: Mapping[str, object]
) -> tuple[dict[str, Template], dict[str, Template]]:
    """Divide fields into those that the workflow fills in, and those whose secrets only the step may know.

    Variables of the environment are divided one by one, so that history shows all that is no secret.
    """
    plain, confidential = dict(templates), {}
    for name in wider:
        template = templates.get(name)
        if template is None or not is_confidential(template):
            continue
        confidential[name] = template
        del plain[name]
        if isinstance(template.value, dict):
            secret = {key for key, value in template.value.items() if is_confidential(Template(value))}
            confidential[name] = Template({key: template.value[key] for key in template.value if key in secret})
            plain[name] = Template({key: value for key, value in template.value.items() if key not in secret})
    return plain, confidential


def _parse_language(node: Node) -> str | None:
    return _LANGUAGES.get(node.choice(tuple(_LANGUAGES)))


def _parse_source(node: Node, fields: Mapping[str, Node], parser: Parser, scope: frozenset[str]) -> TextResource | None:
    if ("code" in fields) == ("source" in fields) and isinstance(node.value, dict):
        node.fault("must hold exactly one of code, source")
    return parse_text_resource(fields["source"], parser.use, scope) if "source" in fields else None


def _parse_lifetime(node: Node, scope: frozenset[str]) -> tuple[str, Duration | None]:
    fields = node.fields(("cleanup", "after"), ("cleanup",), what="a lifetime")
    cleanup = fields["cleanup"].choice(("always", "never", "eventually")) if "cleanup" in fields else "never"
    if cleanup == "eventually" and "after" not in fields:
        node.fault("'after' is missing: how long after its end is the container removed?")
    return cleanup, parse_duration(fields["after"], scope) if "after" in fields else None


def _check_arguments(node: Node, kind: str) -> None:
    if isinstance(node.value, dict) and kind != "container" and node.log.dsl in WITH_NAMED_ARGUMENTS:
        for name in node.value if kind == "script" else ():
            if not name.isidentifier():
                node.child(name).fault(f"{name!r} is no name of a variable")
        return
    for item in node.items():
        item.text()


def _failure(kind: str, outcome: ProcessOutcome) -> str:
    code = outcome.code or 0
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    told = outcome.stderr.strip()[-_TOLD:]
    return f"the {kind} {how}: {told}" if told else f"the {kind} {how}"


def _output(outcome: ProcessOutcome, returned: str) -> Any:
    whole = {"code": outcome.code, "stdout": outcome.stdout, "stderr": outcome.stderr}
    return {**whole, "all": whole, "none": None}[returned]


def _named(name: str, value: Any) -> str:
    return name if value is None else f"{name}={as_text(value)}"
