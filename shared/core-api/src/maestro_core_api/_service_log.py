"""The log of a service, set up from its configuration."""

from pydantic import SecretStr

from maestro_core_config import BaseConfig
from maestro_core_logging import OtlpExport, configure_logging


def configure_service_logging(config: BaseConfig, *, version: str | None = None) -> None:
    """Set up the log of this process as a service's configuration says; `configure_logging` has the other options.

    Where `otlp_endpoint` is set, records go there beside the stream.

    Args:
        config: The service's configuration.
        version: Version of the service, shown on each line.
    """
    export = None
    if config.otlp_endpoint is not None:
        export = OtlpExport(endpoint=config.otlp_endpoint, headers=otlp_headers(config.otlp_token))
    configure_logging(
        config.service_name,
        log_format=config.log_format,
        log_level=config.log_level,
        environment=config.environment,
        version=version,
        otlp=export,
    )


def otlp_headers(token: SecretStr | None) -> dict[str, str]:
    """Return what a receiver asks for.

    Args:
        token: The bearer token; None for none.

    Returns:
        Headers of each request.
    """
    return {} if token is None else {"authorization": f"Bearer {token.get_secret_value()}"}
