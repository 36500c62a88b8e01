"""What several requests have in common."""

from __future__ import annotations

import json
from typing import Any, Final

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from maestro_core_api import ValidationException

ANY_JSON: Final[dict[str, Any]] = {"requestBody": {"content": {"application/json": {"schema": {}}}}}
"""How the OpenAPI document shows a body that is any JSON value."""


class InterventionRequest(BaseModel):
    """Why somebody steps in."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(default="", max_length=2_000)
    """Kept with what it was done to."""


async def any_json(request: Request) -> Any:
    """Read a body that is any JSON value.

    Args:
        request: The request.

    Returns:
        The value; None when there is no body.

    Raises:
        ValidationException: The body is not JSON.
    """
    body = await request.body()
    try:
        return json.loads(body) if body.strip() else None
    except (ValueError, RecursionError) as error:
        raise invalid("body", f"is not JSON: {error}") from error


def invalid(path: str, message: str) -> ValidationException:
    """Say that something in a request cannot be used.

    Args:
        path: Where: "body", "query.cursor", "header.Last-Event-ID".
        message: What is wrong.

    Returns:
        The answer.
    """
    return ValidationException(detail=message, errors=[{"path": path, "message": message}])
