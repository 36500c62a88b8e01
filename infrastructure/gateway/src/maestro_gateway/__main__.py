"""`python -m maestro_gateway`: run a gateway process until SIGTERM or SIGINT.

Exit status: 0 after a graceful stop, 70 when Envoy has ended by itself, 78 for a wrong configuration.
"""

import asyncio
import signal
import sys

from maestro_core_config import ConfigError, ConfigManager
from maestro_core_logging import configure_logging, get_logger

from ._errors import GatewayError
from .process import EnvoyEndedError, Gateway, GatewayProcessConfig


async def _run(config: GatewayProcessConfig) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await Gateway(config).run(stop)


def main() -> None:
    """Run the gateway; ends the process."""
    try:
        config = ConfigManager(GatewayProcessConfig).load()
    except ConfigError as error:
        print(error, file=sys.stderr)
        sys.exit(78)
    configure_logging(
        config.service_name,
        log_format=config.log_format,
        log_level=config.log_level,
        environment=config.environment,
    )
    try:
        asyncio.run(_run(config))
    except EnvoyEndedError as error:
        get_logger("maestro_gateway").critical("The gateway has ended", reason=str(error), code=error.code)
        sys.exit(70)
    except GatewayError as error:
        get_logger("maestro_gateway").critical("The gateway cannot start", reason=str(error), code=error.code)
        sys.exit(78)


if __name__ == "__main__":
    main()
