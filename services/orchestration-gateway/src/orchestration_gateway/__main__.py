"""`python -m orchestration_gateway` serves."""

import sys

from maestro_core_config import ConfigError
from orchestration_gateway.triggers.files import TriggerFilesError


def main() -> None:
    """Serve until SIGTERM or SIGINT; exit status 78 when the configuration, or a trigger file, is not valid."""
    try:
        from orchestration_gateway.main import app  # noqa: PLC0415 - importing it loads the configuration
    except (ConfigError, TriggerFilesError) as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(78) from None
    app.run()


if __name__ == "__main__":
    main()
