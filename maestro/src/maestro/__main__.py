"""`python -m maestro` serves."""

import sys

from maestro.domain.errors import SetupError
from maestro_core_config import ConfigError

EXIT_CONFIG = 78  # sysexits.h: something was found in an unconfigured or misconfigured state


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    try:
        from maestro.main import app  # noqa: PLC0415 - importing it loads the configuration
    except (ConfigError, SetupError) as error:
        sys.stderr.write(f"maestro-orchestrator: {error}\n")
        raise SystemExit(EXIT_CONFIG) from None
    app.run()


if __name__ == "__main__":
    main()
