"""How a run is to be started."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from maestro.api.attribute_views import AttributesIn, attribute_values
from maestro_workflow_engine import StartOptions


class StartOptionsRequest(BaseModel):
    """How a run is started, besides its input."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"attributes": {"customer": "acme"}}]})

    attributes: AttributesIn = Field(default_factory=dict)
    """The run's search attributes at first."""

    def value(self) -> StartOptions:
        """Return what the engine takes.

        Raises:
            WorkflowError: The options make no sense.
        """
        return StartOptions(attributes=attribute_values(self.attributes))


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
