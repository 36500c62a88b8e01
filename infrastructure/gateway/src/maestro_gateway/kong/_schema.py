"""Kong's declarative configuration, format 3.0, as far as it is written here: every name and range as Kong's reference has it.

A document is checked against this before anybody sees it: a name that Kong does not know is a fault, as it is to Kong.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_OPTIONS = ConfigDict(extra="forbid", strict=True)
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]+$", max_length=256)]
_Milliseconds = Annotated[int, Field(ge=1, le=2_147_483_646)]
_Method = Annotated[str, Field(pattern=r"^[A-Z]+$")]
_Count = Annotated[int, Field(ge=0, le=255)]
_Lines = list[str]


class _Entity(BaseModel):
    model_config = _OPTIONS


class JwtConfig(_Entity):
    """Plugin `jwt`: checks signature and times of a token; its issuer names the credential."""

    key_claim_name: str = "iss"
    claims_to_verify: list[Literal["exp", "nbf"]]
    uri_param_names: _Lines
    header_names: _Lines
    run_on_preflight: bool
    maximum_expiration: Annotated[int, Field(ge=0, le=31_536_000)] = 0


class RateLimitingConfig(_Entity):
    """Plugin `rate-limiting`: counts in windows of a clock."""

    second: Annotated[int, Field(gt=0)] | None = None
    minute: Annotated[int, Field(gt=0)] | None = None
    hour: Annotated[int, Field(gt=0)] | None = None
    day: Annotated[int, Field(gt=0)] | None = None
    month: Annotated[int, Field(gt=0)] | None = None
    limit_by: Literal["consumer", "credential", "ip", "service", "header", "path", "consumer-group"]
    header_name: str | None = None
    policy: Literal["local", "redis", "cluster"]
    fault_tolerant: bool
    hide_client_headers: bool = False
    error_code: int = 429
    error_message: str = "API rate limit exceeded"

    @model_validator(mode="after")
    def _complete(self) -> "RateLimitingConfig":
        if not any((self.second, self.minute, self.hour, self.day, self.month)):
            raise ValueError("rate-limiting wants at least one period")
        if self.limit_by == "header" and not self.header_name:
            raise ValueError("limit_by header wants header_name")
        return self


class CorsConfig(_Entity):
    """Plugin `cors`."""

    origins: _Lines
    methods: list[Literal["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT"]]
    headers: _Lines
    exposed_headers: _Lines
    credentials: bool
    max_age: int
    preflight_continue: bool = False


class RequestSizeConfig(_Entity):
    """Plugin `request-size-limiting`."""

    allowed_payload_size: Annotated[int, Field(ge=0)]
    size_unit: Literal["megabytes", "kilobytes", "bytes"]
    require_content_length: bool = False


class RequestTerminationConfig(_Entity):
    """Plugin `request-termination`: answers instead of the service."""

    status_code: Annotated[int, Field(ge=100, le=599)]
    content_type: str
    body: str


class Replacement(_Entity):
    """What `request-transformer` puts in place of something."""

    uri: str


class RequestTransformerConfig(_Entity):
    """Plugin `request-transformer`."""

    replace: Replacement


class CorrelationIdConfig(_Entity):
    """Plugin `correlation-id`."""

    header_name: str
    generator: Literal["uuid", "uuid#counter", "tracker"]
    echo_downstream: bool


class FunctionConfig(_Entity):
    """Plugins `pre-function` and `post-function`: Lua, by phase."""

    access: _Lines = Field(default_factory=list)
    header_filter: _Lines = Field(default_factory=list)


_CONFIGS: dict[str, type[_Entity]] = {
    "jwt": JwtConfig,
    "rate-limiting": RateLimitingConfig,
    "cors": CorsConfig,
    "request-size-limiting": RequestSizeConfig,
    "request-termination": RequestTerminationConfig,
    "request-transformer": RequestTransformerConfig,
    "correlation-id": CorrelationIdConfig,
    "pre-function": FunctionConfig,
    "post-function": FunctionConfig,
}


class Plugin(_Entity):
    """A plugin, on a route or for everything."""

    name: str
    instance_name: _Name | None = None
    config: dict[str, Any]
    enabled: bool = True
    protocols: list[Literal["http", "https", "grpc", "grpcs", "ws", "wss"]] | None = None

    @model_validator(mode="after")
    def _as_its_own_schema_says(self) -> "Plugin":
        if self.name not in _CONFIGS:
            raise ValueError(f"plugin {self.name} is not among those that are written here")
        _CONFIGS[self.name].model_validate(self.config)
        return self


class Route(_Entity):
    """Which requests a service gets."""

    name: _Name
    protocols: list[Literal["http", "https", "ws", "wss"]]
    paths: list[Annotated[str, Field(pattern=r"^~?/")]] = Field(min_length=1)
    methods: list[_Method] | None = None
    headers: dict[str, _Lines] | None = None
    regex_priority: Annotated[int, Field(ge=0)]
    strip_path: bool
    preserve_host: bool
    request_buffering: bool
    response_buffering: bool
    plugins: list[Plugin] = Field(default_factory=list)
    tags: _Lines = Field(default_factory=list)


class Service(_Entity):
    """Where routes lead."""

    name: _Name
    protocol: Literal["http", "https"]
    host: str
    port: Annotated[int, Field(ge=0, le=65_535)]
    retries: Annotated[int, Field(ge=0, le=32_767)]
    connect_timeout: _Milliseconds
    read_timeout: _Milliseconds
    write_timeout: _Milliseconds
    routes: list[Route]
    tags: _Lines = Field(default_factory=list)


class Healthy(_Entity):
    """When a target counts as well."""

    interval: Annotated[float, Field(ge=0, le=65_535)] | None = None
    successes: _Count


class Unhealthy(_Entity):
    """When a target counts as ill."""

    interval: Annotated[float, Field(ge=0, le=65_535)] | None = None
    http_failures: _Count
    tcp_failures: _Count
    timeouts: _Count
    http_statuses: list[Annotated[int, Field(ge=100, le=999)]] | None = None


class ActiveChecks(_Entity):
    """Asking targets how they are."""

    type: Literal["http", "https", "tcp"]
    http_path: str
    timeout: int
    healthy: Healthy
    unhealthy: Unhealthy


class PassiveChecks(_Entity):
    """Learning from what they answer."""

    type: Literal["http", "https", "tcp"]
    healthy: Healthy
    unhealthy: Unhealthy


class Healthchecks(_Entity):
    """How targets that fail are left alone."""

    active: ActiveChecks
    passive: PassiveChecks
    threshold: Annotated[float, Field(ge=0, le=100)] = 0


class Target(_Entity):
    """An instance."""

    target: Annotated[str, Field(pattern=r"^[^\s:]+:\d{1,5}$|^\[[0-9a-f:]+\]:\d{1,5}$")]
    weight: Annotated[int, Field(ge=0, le=65_535)]
    tags: _Lines = Field(default_factory=list)


class Upstream(_Entity):
    """The instances of a service."""

    name: _Name
    algorithm: Literal["consistent-hashing", "least-connections", "round-robin", "latency"]
    healthchecks: Healthchecks
    targets: list[Target]
    tags: _Lines = Field(default_factory=list)


class JwtSecret(_Entity):
    """A key that tokens are checked with."""

    key: str
    algorithm: Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA"]
    secret: str | None = None
    rsa_public_key: str | None = None


class Consumer(_Entity):
    """Whom tokens are from."""

    username: _Name
    jwt_secrets: list[JwtSecret]
    tags: _Lines = Field(default_factory=list)


class KongDocument(_Entity):
    """A whole declarative file."""

    format_version: Annotated[Literal["3.0"], Field(alias="_format_version")]
    transform: Annotated[Literal[True], Field(alias="_transform")]
    consumers: list[Consumer]
    upstreams: list[Upstream]
    services: list[Service]
    plugins: list[Plugin]

    @model_validator(mode="after")
    def _names_are_known(self) -> "KongDocument":
        upstreams = {upstream.name for upstream in self.upstreams}
        names = [route.name for service in self.services for route in service.routes]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"routes must differ in their names: {', '.join(twice)}")
        if lost := [service.name for service in self.services if service.port == 80 and service.host not in upstreams]:
            raise ValueError(f"no upstream for {', '.join(lost)}")
        return self
