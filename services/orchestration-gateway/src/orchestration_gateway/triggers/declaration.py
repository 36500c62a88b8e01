"""What a trigger is declared to be: the models of a declaration, over HTTP and in files alike."""

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr, TypeAdapter, model_validator

NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""A trigger's name is a DNS label."""
_MODEL: Final = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
_MAX_SCHEDULE_S: Final = 366 * 86_400
_NO_PRIORITY: Final = 5

Jq = Annotated[str, Field(min_length=1, max_length=10_000)]
"""A jq program."""
Workflow = Annotated[str, Field(min_length=1, max_length=400, pattern=r"^[^/:\s]+/[^/:\s]+(:[^/:\s]+)?$")]
"""`namespace/name`, or `namespace/name:version`."""


class RunOptions(BaseModel):
    """How the runs of a trigger are started."""

    model_config = _MODEL

    queue: str | None = Field(default=None, min_length=1, max_length=200)
    """The queue they wait in. Default: none."""
    priority: int = Field(default=_NO_PRIORITY, ge=0, le=9)
    """Their place in the queue, 0 (most urgent) to 9."""
    delay_s: float | None = Field(default=None, ge=0, le=_MAX_SCHEDULE_S, allow_inf_nan=False)
    """How long they wait before they begin. Default: not at all."""

    @model_validator(mode="after")
    def _priority_in_a_queue(self) -> Self:
        if self.queue is None and self.priority != _NO_PRIORITY:
            raise ValueError("priority needs a queue")
        return self

    def in_words(self) -> dict[str, Any]:
        """Return them in the orchestrator's words."""
        return self.model_dump(exclude_none=True, exclude={"priority"} if self.queue is None else None)


class _Declaration(BaseModel):
    model_config = _MODEL

    description: str = Field(default="", max_length=2_000)
    """What it is for."""
    paused: bool = False
    """Whether it starts nothing at the moment. Webhooks answer 503 then, so that their senders come again."""
    options: RunOptions = RunOptions()
    """How its runs are started."""


class _Mapped(_Declaration):
    workflow: Workflow | None = None
    """What it starts; exactly one of this and `workflow_from`."""
    workflow_from: Jq | None = None
    """A jq program that gives what to start, out of `allowed_workflows`."""
    allowed_workflows: Annotated[list[Workflow], Field(max_length=100)] = Field(default_factory=list)
    """What `workflow_from` may give: whoever sends chooses among these and nothing else."""
    filter: Jq | None = None
    """A jq program; what it gives false or null for starts nothing. Default: everything starts a run."""
    input: Jq = "."
    """A jq program that gives the run's input."""
    run_key: Jq | None = None
    """A jq program that gives text or a number: deliveries of one key are one run. Default: each delivery is a run."""

    @model_validator(mode="after")
    def _one_workflow(self) -> Self:
        if (self.workflow is None) == (self.workflow_from is None):
            raise ValueError("give exactly one of workflow and workflow_from")
        if self.workflow_from is not None and not self.allowed_workflows:
            raise ValueError("workflow_from needs allowed_workflows: else whoever sends could start anything")
        return self

    @property
    def programs(self) -> dict[str, str]:
        """Its jq programs by their names."""
        named = {
            "filter": self.filter,
            "workflow_from": self.workflow_from,
            "run_key": self.run_key,
            "input": self.input,
        }
        return {name: program for name, program in named.items() if program is not None}


class WebhookDeclaration(_Mapped):
    """Starts a run for each signed request. jq sees `{id, received_at, headers, body}`."""

    kind: Literal["webhook"]
    signature: Literal["standard", "github"] = "standard"
    """How its sender signs: Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`), or as GitHub does
    (`X-Hub-Signature-256`)."""
    secrets: Annotated[list[SecretStr], Field(min_length=1, max_length=5)] | None = None
    """Keys of the signature, any of which will do: `whsec_` and base64 of 24 to 64 bytes, for `github` any text of 16 characters or
    more. Never shown again. Left out, those it has are kept while `signature` stays the same; else it gets a new one."""
    secret_names: Annotated[list[str], Field(max_length=5)] = Field(default_factory=list)
    """In files only: names of secrets (`MAESTRO_SECRET_<NAME>` and its files) instead of the keys themselves."""
    tolerance_s: int = Field(default=300, ge=1, le=3_600)
    """How far a signed timestamp may be from the present, in seconds; `standard` only."""
    max_body_bytes: int = Field(default=1_048_576, ge=1, le=8_388_608)
    """The largest body that is taken. Default 1 MiB."""


class EventDeclaration(_Mapped):
    """Starts a run for each CloudEvent that fits. jq sees the event in its JSON form."""

    kind: Literal["event"]
    type: str = Field(min_length=1, max_length=500)
    """The event's type; a `*` at the end stands for anything."""
    source: str | None = Field(default=None, min_length=1, max_length=500)
    """The event's source; a `*` at the end stands for anything. Default: any."""
    subject: str | None = Field(default=None, min_length=1, max_length=500)
    """The event's subject; a `*` at the end stands for anything. Default: any, or none."""


class ScheduleSpec(BaseModel):
    """When a schedule starts a run: one of `cron` and `every_s`."""

    model_config = _MODEL

    cron: str | None = Field(default=None, min_length=1, max_length=200)
    """A cron expression."""
    zone: str | None = Field(default=None, min_length=1, max_length=100)
    """Its time zone. Default: UTC."""
    every_s: float | None = Field(default=None, gt=0, le=_MAX_SCHEDULE_S, allow_inf_nan=False)
    """A distance, in seconds."""
    offset_s: float | None = Field(default=None, ge=0, le=_MAX_SCHEDULE_S, allow_inf_nan=False)
    """How much later than at multiples of the distance."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.cron is None) == (self.every_s is None):
            raise ValueError("give exactly one of cron and every_s")
        return self


class ScheduleDeclaration(_Declaration):
    """Starts a run again and again; the orchestrator keeps the time."""

    kind: Literal["schedule"]
    workflow: Workflow
    """What it starts."""
    input: JsonValue = None
    """The input of each run."""
    spec: ScheduleSpec
    """When."""
    overlap: str | None = Field(default=None, pattern=r"^[a-z_]{1,40}$")
    """What happens when the run before has not ended; as the orchestrator says."""
    catch_up_s: float | None = Field(default=None, ge=0, le=_MAX_SCHEDULE_S, allow_inf_nan=False)
    """How late a missed time is still made up for."""
    jitter_s: float | None = Field(default=None, ge=0, le=86_400, allow_inf_nan=False)
    """How much later a run may begin, at random."""


Declaration = Annotated[WebhookDeclaration | EventDeclaration | ScheduleDeclaration, Field(discriminator="kind")]
Mapped = WebhookDeclaration | EventDeclaration
"""A trigger that maps what comes in to a run."""
DECLARATION: Final[TypeAdapter[Any]] = TypeAdapter(Declaration)
"""Reads a declaration."""
