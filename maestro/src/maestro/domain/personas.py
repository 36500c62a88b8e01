"""Personas: who is asked for an analysis, how, and what the answer looks like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import jsonschema_rs
from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from maestro.domain.errors import UnknownPersonaError


class ModelOptions(BaseModel):
    """How the model is to answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(default=0.0, ge=0.0, le=2.0)
    """0 gives the same answer to the same question, as far as the model can. Default 0."""
    max_tokens: int = Field(default=512, ge=1, le=32_768)
    """The longest answer, in tokens. Default 512."""


class Persona(BaseModel):
    """One persona."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")
    """What it is called by: small letters, digits and "-"."""
    version: str = Field(default="1.0.0", min_length=1)
    """Its version; answers name it. Default "1.0.0"."""
    title: str = Field(min_length=1)
    """What people read in a list."""
    description: str = ""
    """What it is good for. Default: nothing."""
    system_prompt: str = Field(min_length=1)
    """What the model is told to be."""
    user_template: str | None = Field(default=None, min_length=1)
    """Jinja template of the question over `input`, `context` and `output_schema`. Default: input and context as they are."""
    output_schema: dict[str, JsonValue]
    """JSON Schema (2020-12) that an answer obeys."""
    recognizer: str | None = Field(default=None, min_length=1)
    """A method that is asked before the model, such as `spdx-license-text`. Default: the model alone."""
    model: ModelOptions = ModelOptions()
    """How the model is to answer."""

    @field_validator("output_schema")
    @classmethod
    def _is_schema(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            jsonschema_rs.validator_for(value, retriever=_refuse)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            raise ValueError(f"is no JSON Schema: {str(error).splitlines()[0]}") from error
        return value


class Personas:
    """The personas there are, by name.

    Args:
        personas: The personas; a later one replaces an earlier one of the same name.
    """

    def __init__(self, personas: Iterable[Persona]) -> None:
        self._by_name = {persona.name: persona for persona in personas}

    def __iter__(self) -> Iterator[Persona]:
        """Yield every persona, by name."""
        for name in sorted(self._by_name):
            yield self._by_name[name]

    def get(self, name: str) -> Persona:
        """Return a persona.

        Args:
            name: Its name.

        Raises:
            UnknownPersonaError: There is none of that name.
        """
        persona = self._by_name.get(name)
        if persona is None:
            raise UnknownPersonaError(name, sorted(self._by_name))
        return persona


def _refuse(uri: str) -> None:
    # A schema must not make services fetch addresses.
    raise ValueError(f"references to other documents are not followed: {uri}")
