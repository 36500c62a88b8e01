from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from maestro.api.run_removal import PurgeRequest
from maestro.api.schedule_views import (
    BackfillRequest,
    ChangeScheduleRequest,
    CreateScheduleRequest,
    DefineScheduleRequest,
)
from maestro.api.start_requests import StartOptionsRequest, StartRequest
from maestro.bootstrap import create_app
from maestro.config import OrchestratorConfig

WITH_EXAMPLES: list[type[BaseModel]] = [
    BackfillRequest,
    ChangeScheduleRequest,
    CreateScheduleRequest,
    DefineScheduleRequest,
    PurgeRequest,
    StartOptionsRequest,
    StartRequest,
]


def _examples() -> Iterator[tuple[type[BaseModel], object]]:
    for model in WITH_EXAMPLES:
        found = model.model_json_schema()["examples"]
        assert found
        yield from ((model, example) for example in found)


@pytest.mark.parametrize(("model", "example"), list(_examples()))
def test_examples_are_ones(model: type[BaseModel], example: object) -> None:
    """What the OpenAPI document shows as an example can be sent."""
    read = model.model_validate(example)
    for make in ("value", "definition", "timing", "work", "old_runs"):
        if hasattr(read, make):
            getattr(read, make)()


def test_every_operation_says_what_it_does(config: OrchestratorConfig) -> None:
    """Each operation of the service has a description, and each body a schema."""
    paths = create_app(config).openapi()["paths"]
    operations = [(method, path, operation) for path, found in paths.items() for method, operation in found.items()]
    own = [
        one
        for one in operations
        if one[1].startswith(("/runs", "/workflows", "/schedules", "/queues", "/events", "/personas"))
    ]
    assert len(own) > 40
    assert [(method, path) for method, path, operation in own if not operation.get("description")] == []
