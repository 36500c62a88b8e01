"""Search attributes as callers write and see them: JSON values, and times as `{"time": "2026-05-04T13:02:01Z"}`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from maestro_workflow_engine import AttributeValue


class TimeView(BaseModel):
    """A time among search attributes: JSON itself has none."""

    model_config = ConfigDict(extra="forbid")

    time: AwareDatetime


AttributeView = (
    StrictBool | StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)] | StrictStr | list[StrictStr] | TimeView
)
AttributesIn = dict[str, AttributeView]


def attribute_values(attributes: Mapping[str, AttributeView]) -> dict[str, AttributeValue]:
    """Return attributes as the engine takes them.

    Args:
        attributes: As a caller wrote them.
    """
    return {name: value.time if isinstance(value, TimeView) else value for name, value in attributes.items()}


def attribute_views(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeView]:
    """Show attributes.

    Args:
        attributes: As the engine gives them.
    """
    return {name: TimeView(time=value) if isinstance(value, datetime) else value for name, value in attributes.items()}
