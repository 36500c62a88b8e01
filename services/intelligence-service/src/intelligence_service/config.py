"""What can be set."""

from pydantic import Field, SecretStr

from maestro_core_config import BaseConfig


class IntelligenceServiceConfig(BaseConfig):
    """Configuration of intelligence-service."""

    model_endpoint: str | None = None
    """Base URL of an OpenAI-compatible server, as in `http://127.0.0.1:8000/v1`; None starts the bundled model."""
    model_name: str | None = None
    """Model to ask for at `model_endpoint`; None takes the first that the server lists."""
    model_api_key: SecretStr | None = None
    """Key for `model_endpoint`; None sends none."""
    model_timeout: float = Field(default=60.0, gt=0)
    """How long the model may take for an answer, in seconds."""
    model_concurrency: int = Field(default=2, ge=1)
    """Most questions to the model at the same time; further ones wait."""
    cache_ttl: int = Field(default=3600, ge=0)
    """How long answers are remembered, in seconds; 0 remembers none."""
    persona_ttl: int = Field(default=30, ge=0)
    """How long a persona is used before the orchestrator is asked again, in seconds."""
    local_model_threads: int = Field(default=2, ge=1)
    """Processor threads of the bundled model."""
    local_model_context: int = Field(default=4096, ge=512)
    """Longest question and answer of the bundled model together, in tokens."""
    enable_learning: bool = True
    """Whether the service may learn from corrections. Learning comes with a later release: nothing is learnt yet,
    whatever this says; it is here so that configurations written for then are valid now."""
