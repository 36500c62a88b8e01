"""`python -m governance_service` serves."""

import sys

from maestro_core_config import ConfigError


def main() -> None:
    """Serve until SIGTERM or SIGINT; exit status 78 when the configuration is not valid."""
    try:
        from governance_service.main import app  # noqa: PLC0415 - importing it loads the configuration
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(78) from None
    app.run()


if __name__ == "__main__":
    main()
