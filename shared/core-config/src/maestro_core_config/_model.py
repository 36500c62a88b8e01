"""The settings every service has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator

MIN_SECRET_BYTES = 32


class BaseConfig(BaseModel):
    """The base of a service's configuration; subclass it and add fields.

    Attributes:
        service_name: What files and variables are named by. Derived from the class name:
            `IntelligenceServiceConfig` → "intelligence-service".
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), hide_input_in_errors=True)
    service_name: ClassVar[str] = "base"

    environment: Literal["development", "test", "production"] = "development"
    """Where the service runs. Default "development"."""

    host: str = "127.0.0.1"
    """The address it listens on. Default 127.0.0.1."""

    port: int = 0
    """The port it listens on; 0 takes a free one. Default 0."""

    advertise_url: str | None = None
    """The address it registers. Default http://host:port."""

    data_dir: Path = Path(".maestro/data")
    """The folder it keeps its data in. Default .maestro/data."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    """The least severe log level that is written. Default INFO."""

    log_format: Literal["json", "console"] | None = None
    """How log lines look. Default: console on a terminal, JSON elsewhere."""

    jwt_secret: SecretStr | None = None
    """The key that tokens are signed with, at least 32 bytes. Default: none, and every protected call is refused."""

    registry_url: str | None = None
    """Where central-registry is. Default: none, and the service does not register."""

    otlp_endpoint: str | None = None
    """Where spans are sent (OTLP over HTTP). Default: nowhere."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_kwargs: Any) -> None:
        """Name the service after the class, unless the class names it."""
        if "service_name" not in cls.__dict__:
            words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", cls.__name__.removesuffix("Config"))
            cls.service_name = words.lower() or "service"

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator("port")
    @classmethod
    def _is_port(cls, value: int) -> int:
        if not 0 <= value <= 65535:
            raise ValueError("a port lies between 0 and 65535")
        return value

    @field_validator("jwt_secret")
    @classmethod
    def _is_long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"is shorter than {MIN_SECRET_BYTES} bytes; make one with: openssl rand -hex 32")
        return value
