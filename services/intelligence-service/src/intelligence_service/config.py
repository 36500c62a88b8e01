"""What can be set."""

from datetime import timedelta
from decimal import Decimal
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from maestro_core_config import BaseConfig
from maestro_core_db import DatabaseSettings

_OPTIONS = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ModelEndpoint(BaseModel):
    """One OpenAI-compatible server among several."""

    model_config = _OPTIONS

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    """Name in logs, metrics and views."""
    url: str
    """Base URL, as in `https://models.example/v1`."""
    model: str | None = None
    """Model to ask for; None takes the first that the server lists."""
    api_key: SecretStr | None = None
    """Key; None sends none."""
    tier: int = Field(default=0, ge=0)
    """Endpoints of a lower tier are asked first; those of the next when all of it have failed."""
    weight: float = Field(default=1.0, ge=0)
    """Share of first questions within the tier; 0: only when the others have failed."""
    timeout_s: float = Field(default=60.0, gt=0)
    """For one attempt, in seconds: the whole answer, or each wait for a piece of a streamed one."""
    concurrency: int = Field(default=2, ge=1)
    """Most questions at the same time; further ones wait."""
    input_price: Decimal = Field(default=Decimal(0), ge=0)
    """Price of a million tokens of questions, in the currency of the budgets."""
    output_price: Decimal = Field(default=Decimal(0), ge=0)
    """Price of a million tokens of answers."""


class BudgetSettings(BaseModel):
    """How much a tenant may use in a window of the calendar (UTC)."""

    model_config = _OPTIONS

    window: Literal["hour", "day", "month"]
    """The window."""
    tenant: str | None = Field(default=None, max_length=256)
    """Whose budget; empty: of callers without a tenant; None: of each tenant that has none of its own for this window."""
    tokens: int | None = Field(default=None, ge=0)
    """Most tokens of questions and answers; None: any number."""
    cost: Decimal | None = Field(default=None, ge=0)
    """Most that may be spent, in the currency of the prices; None: any amount."""

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.tokens is None and self.cost is None:
            raise ValueError("a budget limits tokens, cost, or both")
        return self


class IntelligenceServiceConfig(DatabaseSettings, BaseConfig):
    """Configuration of intelligence-service."""

    model_endpoint: str | None = None
    """Base URL of an OpenAI-compatible server, as in `http://127.0.0.1:8000/v1`; None starts the bundled model."""
    model_name: str | None = None
    """Model to ask for at `model_endpoint`; None takes the first that the server lists."""
    model_api_key: SecretStr | None = None
    """Key for `model_endpoint`; None sends none."""
    model_timeout: float = Field(default=60.0, gt=0)
    """How long `model_endpoint` or the bundled model may take for an answer, in seconds."""
    model_concurrency: int = Field(default=2, ge=1)
    """Most questions to `model_endpoint` at the same time; further ones wait."""
    model_endpoints: tuple[ModelEndpoint, ...] = ()
    """Several servers, instead of `model_endpoint`."""
    model_total_timeout: float = Field(default=120.0, gt=0)
    """How long one question may take over all attempts at all endpoints, in seconds."""
    model_attempts: int = Field(default=2, ge=1, le=5)
    """How often a model is asked for an answer that obeys the persona's schema."""
    budgets: tuple[BudgetSettings, ...] = ()
    """What tenants may use of models; without any, usage is kept and not limited."""
    max_request_bytes: int = Field(default=4 * 1024 * 1024, ge=1_024)
    """Largest body of a request."""
    rate_limit_per_tenant: int | None = Field(default=None, gt=0)
    """Most calls of `/analyze` and `/feedback` that a tenant may make in a minute; None: any number."""
    cache_ttl: int = Field(default=3600, ge=0)
    """How long answers are remembered, in seconds; 0 remembers none."""
    semantic_cache: bool = True
    """Whether the answer to a question may be given to one that means the same."""
    semantic_threshold: float = Field(default=0.97, ge=0.5, le=1.0)
    """Similarity (cosine) from which two questions may mean the same; raised where that turns out wrong too often."""
    semantic_false_hits: float = Field(default=0.01, ge=0, lt=1)
    """Largest share of wrong answers among those given by likeness; beyond it the threshold rises."""
    semantic_shadow_ratio: float = Field(default=0.02, ge=0, le=1)
    """Share of answers by likeness that are compared with the model's own afterwards."""
    persona_ttl: int = Field(default=30, ge=0)
    """How long a persona is used before the orchestrator is asked again, in seconds."""
    local_model_threads: int = Field(default=2, ge=1)
    """Processor threads of the bundled model."""
    local_model_context: int = Field(default=4096, ge=512)
    """Longest question and answer of the bundled model together, in tokens."""
    encoder_threads: int = Field(default=1, ge=1)
    """Processor threads of the sentence encoder. Texts are short: on most machines a second thread costs more than it gives."""
    encoder_max_characters: int = Field(default=1_000, ge=1, le=20_000)
    """Longest question that is compared with others or learnt; longer ones go to the model."""
    enable_learning: bool = True
    """Whether the service learns from corrections and answers from what it has learnt."""
    learning_precision: float = Field(default=0.95, gt=0, le=1)
    """How often answers from what was learnt must be right, measured on held-out examples; the others go to the model."""
    learning_max_examples: int = Field(default=12_000, ge=1)
    """Most examples of one persona and tenant."""
    learning_max_personas: int = Field(default=50, ge=1)
    """Most personas that one tenant may teach."""
    learning_memory_examples: int = Field(default=60_000, ge=1)
    """Most examples in memory, of all personas and tenants together; some 6 kB each."""

    @model_validator(mode="after")
    def _endpoints_once(self) -> Self:
        names = [endpoint.name for endpoint in self.model_endpoints]
        if len(set(names)) < len(names):
            raise ValueError("model_endpoints must differ in their name")
        if names and self.model_endpoint is not None:
            raise ValueError("give model_endpoint or model_endpoints, not both")
        return self

    @property
    def model_timeout_delta(self) -> timedelta:
        """`model_timeout` as a duration."""
        return timedelta(seconds=self.model_timeout)
