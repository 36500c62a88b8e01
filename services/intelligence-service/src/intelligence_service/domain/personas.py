"""Personas: how a kind of analysis is asked for and what its answer looks like."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class ModelOptions(BaseModel):
    """How the model is to answer."""

    model_config = ConfigDict(frozen=True)

    temperature: float = Field(default=0.0, ge=0.0, le=2.0)
    """0 (the default) gives the same answer to the same question as far as the model can."""
    max_tokens: int = Field(default=512, ge=1, le=32_768)
    """Longest answer, in tokens."""


class Persona(BaseModel):
    """One persona, as the orchestrator describes it; members unknown here are ignored."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(min_length=1)
    version: str = "1"
    title: str = ""
    description: str = ""
    system_prompt: str = Field(min_length=1)
    """What the model is told to be."""
    user_template: str | None = None
    """Jinja template of the question over `input`, `context` and `output_schema`; None shows input and context as
    they are."""
    output_schema: dict[str, JsonValue]
    """JSON Schema that the answer obeys."""
    recognizer: str | None = None
    """Name of a recogniser that is asked before the model; None asks the model alone."""
    model: ModelOptions = ModelOptions()


class PersonaSource(Protocol):
    """Where personas come from."""

    async def get(self, name: str) -> Persona:
        """Look a persona up.

        Args:
            name: Its name.

        Returns:
            The persona.

        Raises:
            PersonaNotFoundError: There is none of that name.
            PersonaSourceError: The source cannot be reached and nothing is remembered.
            PersonaInvalidError: The document is not a persona.
        """

    async def all(self) -> list[Persona]:
        """List the personas.

        Returns:
            Those that can be used.

        Raises:
            PersonaSourceError: The source cannot be reached.
        """
