"""Options of a service's HTTP side, as frozen models."""

from datetime import timedelta
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from maestro_core_config import BaseConfig

from ._catalog_entry import CatalogEntry
from ._gateway._config import GatewayConfig
from ._idempotency_config import IdempotencyConfig
from ._limits import LimitsConfig
from ._rate_limit_config import RateLimitConfig
from ._security_config import SecurityConfig, security_of
from ._tls import TLSConfig


class APIConfig(BaseModel):
    """What a `MaestroAPI` needs to know about the service that it serves."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    title: str
    """Title in the OpenAPI document."""
    service_name: str = Field(min_length=1, pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Name under which the service registers, logs and measures."""
    version: str = "1.0.0"
    """Version of the service."""
    description: str = ""
    """Description in the OpenAPI document."""
    environment: str = "development"
    """Where it runs; in `development`, `/docs` and `/openapi.json` need no token."""
    security: SecurityConfig = Field(default_factory=SecurityConfig)
    """How callers prove who they are."""
    rate_limits: RateLimitConfig = Field(default_factory=RateLimitConfig)
    """How many requests callers may send; by default as many as they like."""
    idempotency: IdempotencyConfig = Field(default_factory=IdempotencyConfig)
    """How answers to requests with an `Idempotency-Key` are kept."""
    valkey_url: SecretStr | None = None
    """Where processes share rate limits and idempotency keys (`valkey://host:6379`); None keeps both in each process."""
    valkey_timeout: timedelta = Field(default=timedelta(milliseconds=500), gt=timedelta(0))
    """How long Valkey may take for an answer before it counts as away."""
    host: str = "127.0.0.1"
    """Address that `run()` listens on."""
    port: int = Field(default=0, ge=0, le=65_535)
    """Port that `run()` listens on; 0 takes a free one."""
    advertise_url: str | None = None
    """Address given to the registry; None means the one listened on."""
    registry_url: str | None = None
    """Where the registry is; None means that the service does not register."""
    lease: timedelta = Field(default=timedelta(seconds=10), gt=timedelta(0))
    """How long the registry believes in the service without hearing from it."""
    zone: str | None = None
    """Where it runs (a data centre, a machine): callers in the same zone prefer it, and it prefers services there."""
    tags: tuple[str, ...] = ()
    """What callers may choose its instances by."""
    health_path: str | None = "/health/ready"
    """What the registry probes it by; None means that it is believed for its lease alone."""
    catalog: CatalogEntry = Field(default_factory=CatalogEntry)
    """What the registry's catalog says about it."""
    otlp_endpoint: str | None = None
    """OTLP/HTTP receiver of spans; None sends none."""
    otlp_token: SecretStr | None = None
    """Bearer token that the receiver asks for; None sends none."""
    trace_sample_ratio: float = Field(default=1.0, ge=0.0, le=1.0)
    """Share of new traces that are recorded."""
    max_body_bytes: int = Field(default=16 * 1024 * 1024, gt=0)
    """Largest request body that is read; beyond it the answer is 413."""
    limits: LimitsConfig = Field(default_factory=LimitsConfig)
    """How much, and for how long, a caller may ask."""
    gateway: GatewayConfig = Field(default_factory=GatewayConfig)
    """What the API gateway is to do for the service; by default what its endpoints say of themselves."""
    enable_metrics: bool = True
    """Whether `/metrics` is there."""
    enable_ops: bool = True
    """Whether `/ops` is there, for admins."""
    workers: int = Field(default=1, ge=1, le=256)
    """How many processes `run()` serves with, all on one socket."""
    tls: TLSConfig | None = None
    """Certificate and key to listen with; None speaks plain HTTP."""
    shutdown_delay: timedelta = Field(default=timedelta(0), ge=timedelta(0))
    """How long a service that was told to stop still takes requests while it says that it is not ready, so that
    load balancers notice."""
    shutdown_grace: timedelta = timedelta(seconds=10)
    """How long running requests may take to end after that."""

    @classmethod
    def from_config(cls, config: BaseConfig, *, title: str, version: str = "1.0.0", **options: Any) -> Self:
        """Build the options from a service's configuration.

        Args:
            config: The service's configuration, as loaded.
            title: Title in the OpenAPI document.
            version: Version of the service.
            **options: Further fields of this class; they win over the configuration.

        Returns:
            The options.
        """
        return cls(
            **{
                "title": title,
                "version": version,
                "service_name": config.service_name,
                "environment": config.environment,
                "security": security_of(config),
                "host": config.host,
                "port": config.port,
                "advertise_url": config.advertise_url,
                "registry_url": config.registry_url,
                "zone": config.zone,
                "otlp_endpoint": config.otlp_endpoint,
                "otlp_token": config.otlp_token,
                **options,
            }
        )
