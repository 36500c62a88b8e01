"""The settings every service has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    SerializerFunctionWrapHandler,
    model_serializer,
)

from maestro_core_config._marks import Live
from maestro_core_config._service_name import ServiceName
from maestro_core_config._settings import settings_of
from maestro_core_config._showing import shown, without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_SECRET_BYTES = 32
PROFILES = ("development", "test", "production")


def _http_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port >= 0)
    except ValueError:
        is_url = False
    if not is_url:
        raise ValueError("must be an address such as http://127.0.0.1:8080")
    return value.rstrip("/")


def _long_enough(value: SecretStr) -> SecretStr:
    length = len(value.get_secret_value().encode())
    if length < MIN_SECRET_BYTES:
        raise ValueError(
            f"must have at least {MIN_SECRET_BYTES} bytes and has {length}; `openssl rand -hex 32` makes one"
        )
    return value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


HttpUrl = Annotated[str, AfterValidator(_http_url)]


class BaseConfig(BaseModel):
    """The base of a service's configuration; subclass it and add fields.

    Secrets are masked in its representation and when it is dumped as JSON, whether typed as such or only named like one. Attributes and
    `model_dump()` in Python mode give the values: they are what the program works with.

    Attributes:
        service_name: What files and variables are named by. Derived from the class name
            (`IntelligenceServiceConfig` → "intelligence-service") unless the class states one.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,  # inputs may be secrets
        protected_namespaces=(),  # fields such as model_endpoint are welcome
        validate_by_alias=True,
        validate_by_name=True,
    )
    service_name: ClassVar[str] = cast("str", ServiceName())
    _service_name: str | None = PrivateAttr(default=None)

    environment: Annotated[Literal["development", "test", "production"], BeforeValidator(_lower)] = "development"
    """Where the service runs. Default: development."""

    host: str = Field(default="127.0.0.1", min_length=1)
    """The address it listens on. Default: 127.0.0.1."""

    port: int = Field(default=0, ge=0, le=65_535)
    """The port it listens on; 0 takes a free one. Default: 0."""

    advertise_url: HttpUrl | None = None
    """The address it registers. Default: http://host:port."""

    data_dir: Path = Path(".maestro/data")
    """The folder it keeps its data in. Default: .maestro/data."""

    log_level: Live[Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)]] = (
        "INFO"
    )
    """The least severe log level that is written; case does not matter. Default: INFO."""

    log_format: Annotated[Literal["json", "console"], BeforeValidator(_lower)] | None = None
    """How log lines look. Default: console on a terminal, JSON elsewhere."""

    jwt_secret: Annotated[SecretStr, AfterValidator(_long_enough)] | None = None
    """The key that tokens are signed with, at least 32 bytes. Default: none, and every protected call is refused."""

    identity_url: HttpUrl | None = None
    """Where governance-service signs people in; its tokens are accepted beside those made with `jwt_secret`. Default: none."""

    registry_url: HttpUrl | None = None
    """Where central-registry is. Default: none, and the service does not register."""

    zone: Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None = None
    """Where it runs (a data centre, a machine); services prefer one another within a zone. Default: none."""

    otlp_endpoint: HttpUrl | None = None
    """Where spans and log records are sent (OTLP over HTTP). Default: nowhere."""

    otlp_token: SecretStr | None = None
    """The bearer token that the receiver asks for. Default: none."""

    @classmethod
    def __pydantic_init_subclass__(cls, **_options: Any) -> None:
        """Let a stated name give way to the name that a configuration is loaded under."""
        stated = cls.__dict__.get("service_name")
        if isinstance(stated, str):
            cls.service_name = cast("str", ServiceName(stated))

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Leave secrets out of every representation, also where a field is text and only its name says that it is one."""
        shapes = settings_of(type(self)).shapes
        for name, value in super().__repr_args__():
            yield name, shown(shapes.get(name or ""), name or "", value)

    @model_serializer(mode="wrap", when_used="json")
    def _dumped_without_secrets(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_secrets(settings_of(type(self)), serialize(self))
