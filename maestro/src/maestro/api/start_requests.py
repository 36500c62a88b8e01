"""How a run is to be started."""

from __future__ import annotations

from datetime import timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from maestro.api.attribute_views import AttributesIn, attribute_values
from maestro.api.lengths import Seconds, length
from maestro_workflow_engine import Conflict, Debounce, Reuse, Singleton, SingletonPolicy, StartOptions


class DebounceRequest(BaseModel):
    """Starts that follow one another become one run, with the last input."""

    model_config = ConfigDict(extra="forbid")

    key: str
    """What is debounced, for each workflow; up to 200 characters."""
    wait_s: Seconds
    """The run begins once there was no further start for this long."""
    max_wait_s: Seconds | None = None
    """It begins this long after the first start at the latest. Default: no limit."""

    def value(self) -> Debounce:
        """Return what the engine takes.

        Raises:
            StartOptionsError: The key or a time makes no sense.
        """
        return Debounce(self.key, timedelta(seconds=self.wait_s), length(self.max_wait_s))


class SingletonRequest(BaseModel):
    """At most one run of a workflow and key at work at a time."""

    model_config = ConfigDict(extra="forbid")

    key: str
    """What may be there once, for each workflow; up to 200 characters."""
    policy: SingletonPolicy = SingletonPolicy.USE_EXISTING
    """What happens when it is there."""

    def value(self) -> Singleton:
        """Return what the engine takes.

        Raises:
            StartOptionsError: The key makes no sense.
        """
        return Singleton(self.key, self.policy)


class StartOptionsRequest(BaseModel):
    """How a run is started, besides its input."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"attributes": {"customer": "acme"}, "queue": "mails", "priority": 2, "tenant": "acme"},
                {"delay_s": 3_600, "if_ended": "start_anew"},
                {"debounce": {"key": "index", "wait_s": 10, "max_wait_s": 60}},
            ]
        },
    )

    attributes: AttributesIn = Field(default_factory=dict)
    """The run's search attributes at first."""
    queue: str | None = None
    """The queue it waits in. Default: none."""
    priority: int = 5
    """Its place in the queue, 0 (most urgent) to 9."""
    tenant: str | None = None
    """For whom it runs; tenants of a queue take turns. Default: nobody in particular."""
    delay_s: Seconds | None = None
    """How long it waits before it begins, or takes its place in the queue."""
    start_at: AwareDatetime | None = None
    """When it begins, or takes its place in the queue."""
    debounce: DebounceRequest | None = None
    """Makes starts that follow one another one run. Not together with an id, a time or a singleton."""
    singleton: SingletonRequest | None = None
    """Allows one run of a key at a time."""
    if_running: Conflict = Conflict.USE_EXISTING
    """What happens when a run of the id has not ended. Default: it is returned."""
    if_ended: Reuse = Reuse.USE_EXISTING
    """What happens when a run of the id has ended. Default: it is returned."""

    def value(self) -> StartOptions:
        """Return what the engine takes.

        Raises:
            WorkflowError: The options make no sense, or not together.
        """
        return StartOptions(
            attributes=attribute_values(self.attributes),
            queue=self.queue,
            priority=self.priority,
            tenant=self.tenant,
            delay=length(self.delay_s),
            start_at=self.start_at,
            debounce=None if self.debounce is None else self.debounce.value(),
            singleton=None if self.singleton is None else self.singleton.value(),
            if_running=self.if_running,
            if_ended=self.if_ended,
        )


class StartRequest(BaseModel):
    """What to run."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"workflow": "shop/order", "input": {"order": 1042}, "id": "order-1042"},
                {"workflow": "shop/order", "options": {"attributes": {"customer": "acme"}}},
            ]
        },
    )

    workflow: str = Field(min_length=1, max_length=400)
    """"namespace/name" for the latest version, or "namespace/name:version"."""
    input: JsonValue = None
    """The workflow's input."""
    id: str | None = None
    """The run's id; the same id again is the same run, unless the options say otherwise. Default: a new one."""
    options: StartOptionsRequest | None = None
    """How it is started. Default: at once, and with no search attributes."""
