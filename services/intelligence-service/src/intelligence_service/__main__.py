"""`python -m intelligence_service` serves; `python -m intelligence_service evaluate FILE` measures what learning is worth."""

import sys

from maestro_core_config import ConfigError


def main() -> None:
    """Serve until SIGTERM or SIGINT, or evaluate."""
    if sys.argv[1:2] == ["evaluate"]:
        from intelligence_service.evaluation.command import main as evaluate  # noqa: PLC0415 - serving needs none of it

        raise SystemExit(evaluate(sys.argv[2:]))
    try:
        from intelligence_service.main import app  # noqa: PLC0415 - importing it loads the configuration
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(78) from None
    app.run()


if __name__ == "__main__":
    main()
