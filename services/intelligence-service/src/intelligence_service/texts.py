"""Texts of requests that no answer, no model and no database could be given."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from intelligence_service.domain.answers import UNWRITABLE, is_writable

T = TypeVar("T")


def _written(value: T) -> T:
    if not is_writable(value):
        raise PydanticCustomError("unwritable_text", UNWRITABLE)
    return value


Writable = Annotated[T, AfterValidator(_written)]
"""JSON, as a member of a request, whose texts all have a UTF-8 form."""
