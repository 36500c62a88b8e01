"""What can be set."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from maestro_core_config import BaseConfig
from maestro_core_messaging import Event, InvalidSubscriptionError, MessagingSettings, Subscription
from maestro_workflow_engine import Queue, Rate, Retention
from maestro_workflow_engine.dsl import ProcessOptions

HEARD_DURABLE: Final = "workflows"
"""Name of the orchestrator's position in the platform's events. It never changes: another name would begin anew."""
_DAYS_MAX = 36_600.0
Days = Annotated[float, Field(ge=0, le=_DAYS_MAX, allow_inf_nan=False)]
"""A length of time in days, at most a hundred years."""


class RetentionConfig(BaseModel):
    """How long runs are kept once they have ended, in days; what is left out is kept for ever."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    completed_days: Days | None = None
    """Runs that returned."""
    failed_days: Days | None = None
    """Runs that raised."""
    cancelled_days: Days | None = None
    """Runs that were cancelled."""
    terminated_days: Days | None = None
    """Runs that were ended from outside."""
    history_days: Days | None = None
    """What happened between a run's first and last event, if it is to go earlier than the run."""

    def value(self) -> Retention:
        """Return what the engine takes."""
        return Retention(
            completed=_days(self.completed_days),
            failed=_days(self.failed_days),
            cancelled=_days(self.cancelled_days),
            terminated=_days(self.terminated_days),
            history=_days(self.history_days),
        )


class RateConfig(BaseModel):
    """How many runs of a queue may begin in any stretch of time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int = Field(ge=1)
    """How many."""
    per_s: float = Field(ge=0.001, le=31_622_400, allow_inf_nan=False)
    """In what time, in seconds."""


class QueueConfig(BaseModel):
    """A queue: runs that are started in it begin as its limits allow. What is left out has no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    concurrency: int | None = Field(default=None, ge=1)
    """How many of its runs may have begun and not ended."""
    per_tenant: int | None = Field(default=None, ge=1)
    """The same for each tenant."""
    rate: RateConfig | None = None
    """How many may begin in a time."""

    def value(self, name: str) -> Queue:
        """Return what the engine takes.

        Args:
            name: The queue's name.

        Raises:
            WorkflowDefinitionError: It is no name of a queue.
        """
        rate = None if self.rate is None else Rate(self.rate.count, timedelta(seconds=self.rate.per_s))
        return Queue(name, concurrency=self.concurrency, per_tenant=self.per_tenant, rate=rate)


class ProcessConfig(BaseModel):
    """What `run` tasks of documents may start on this machine. Nothing, unless it is allowed here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allowed: list[Literal["container", "script", "shell"]] = Field(default_factory=list)
    """The kinds that may run. Whoever may register a document runs code here then. Default: none."""
    environment: dict[str, str] | None = None
    """The environment that processes start with; nothing of the service's own. Default: `PATH` with the system's folders, and `LANG`."""
    time_limit_s: float = Field(default=3600, gt=0, le=31_622_400, allow_inf_nan=False)
    """How long a process may run, in seconds, whatever its task says. Default: an hour."""
    output_limit_bytes: int = Field(default=1_048_576, ge=1)
    """How much a process may write to each of its outputs, in bytes. Default: 1 MiB."""

    def value(self) -> ProcessOptions:
        """Return what the engine takes."""
        options = ProcessOptions(
            allowed=frozenset(self.allowed),
            time_limit=timedelta(seconds=self.time_limit_s),
            output_limit_bytes=self.output_limit_bytes,
        )
        return options if self.environment is None else replace(options, environment=self.environment)


def _days(count: float | None) -> timedelta | None:
    return None if count is None else timedelta(days=count)


class OrchestratorConfig(MessagingSettings, BaseConfig):
    """Configuration of maestro-orchestrator."""

    service_name: ClassVar[str] = "maestro-orchestrator"

    max_concurrent_workflows: int = Field(default=10, ge=1)
    """How many runs may have steps running at once; the others wait their turn. Default 10."""

    default_timeout: int = Field(default=300, ge=1)
    """How long a `call: http` of a document waits for a connection, and then for each part of the answer, in seconds. A
    `timeout` of the task ends the call sooner. Default 300."""

    enable_monitoring: bool = True
    """Whether `/metrics` is there and runs are counted. Default true."""

    engine_url: str | None = None
    """Where runs are kept: a journal, `sqlite:////path/runs.db`, or a Temporal cluster,
    `temporal://host:port/namespace?task_queue=name`. Default: the journal `maestro-orchestrator/runs.db` in `data_dir`."""

    engine_wait_s: float = Field(default=30, ge=0, le=3_600, allow_inf_nan=False)
    """How long the start waits for a Temporal cluster that cannot be reached, in seconds. Default 30."""

    workflow_modules: list[str] = Field(default_factory=list)
    """Python modules whose workflows and steps are registered at start. Default: none."""

    personas_dir: Path | None = None
    """Folder of persona files, which come on top of the built-in ones. Default: `personas` in `config_dir`, where there
    is one."""

    config_dir: Path = Path("config")
    """The configuration folder; `MAESTRO_CONFIG_DIR` sets it for this service as for the loading of configuration.
    Default `config`."""

    max_request_bytes: int = Field(default=8_388_608, ge=1_024)
    """The largest request body that is read, in bytes. Default 8 MiB."""

    queues: dict[str, QueueConfig] = Field(default_factory=dict)
    """The queues that runs can be started in, by name. Default: none."""

    processes: ProcessConfig = Field(default_factory=ProcessConfig)
    """What `run` tasks of documents may start on this machine. Default: nothing."""

    retention: RetentionConfig = Field(default_factory=RetentionConfig)
    """How long runs are kept once they have ended. Default: for ever."""

    payload_store: str | None = None
    """Where inputs and results over 256 KiB are kept, as `file:///folder` or `s3://bucket/prefix`. Default: in the journal."""

    event_sink: str | None = Field(default=None, pattern=r"^https?://")
    """Where the events go that workflows emit, by an HTTP POST each (CloudEvents, structured mode); besides, all workflows
    here hear them. Default: nowhere else."""

    lifecycle_events: bool = False
    """Whether runs of documents publish the lifecycle events of the Open Workflow specification, to `event_sink`, to the platform
    and to workflows that listen for them. Default false."""

    event_subjects: list[str] = Field(default_factory=list)
    """What workflows hear of the platform's events: subjects such as `maestro.governance-service.>`, with `*` for a part and `>`
    for the rest. Needs `messaging_url`. Default: nothing."""

    @field_validator("event_subjects")
    @classmethod
    def _can_be_heard(cls, value: list[str]) -> list[str]:
        if value:
            try:
                Subscription(tuple(value), durable=HEARD_DURABLE, handler=_nobody)
            except InvalidSubscriptionError as error:
                raise ValueError(str(error)) from error
        return value

    @model_validator(mode="after")
    def _has_a_server_to_hear(self) -> Self:
        if self.event_subjects and not self.has_event_server:
            raise ValueError(
                "event_subjects are heard from the platform's event server: set messaging_url to nats://…, too"
            )
        return self

    @property
    def has_event_server(self) -> bool:
        """Whether there is a server for the platform's events; those in the memory of this process would reach nobody."""
        return urlsplit(self.messaging_server).scheme != "memory"

    @property
    def storage_dir(self) -> Path:
        """Folder of the service's own files: `maestro-orchestrator` in `data_dir`."""
        return self.data_dir.absolute() / self.service_name

    @property
    def personas_folder(self) -> Path | None:
        """`personas_dir`, or its default; None when neither is there."""
        default = self.config_dir / "personas"
        return self.personas_dir or (default if default.is_dir() else None)

    @property
    def runs_url(self) -> str:
        """`engine_url`, or its default."""
        return self.engine_url or f"sqlite:///{quote(str(self.storage_dir / 'runs.db'))}"

    @property
    def on_cluster(self) -> bool:
        """Whether runs are kept on a Temporal cluster."""
        return self.runs_url.startswith("temporal:")


async def _nobody(_: Event[Any]) -> None:
    """Hear nothing: a subscription is made to see whether it can be."""
