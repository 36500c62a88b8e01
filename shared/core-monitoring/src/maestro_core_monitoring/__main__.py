"""`python -m maestro_core_monitoring`: dashboards and rules of a service, from its application."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from maestro_core_monitoring import MonitoringError
from maestro_core_monitoring.generate import ServiceDeclaration, as_json, as_yaml, dashboard, declaration_of, rules

_COMMENT: Final = "Written by `maestro monitoring rules {name}` from what the service declares; changes are lost."
_FOLDERS: Final = {"dashboards": "grafana/dashboards", "rules": "prometheus/rules"}
_EXIT_OUTDATED: Final = 1
_EXIT_USAGE: Final = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what was asked for.

    Args:
        arguments: Of the command line; None takes the process's.

    Returns:
        Exit status: 0, 1 when `--check` finds a difference, 2 when the application cannot be read.
    """
    parser = argparse.ArgumentParser(prog="python -m maestro_core_monitoring", description=__doc__)
    parser.add_argument(
        "what",
        choices=(*_FOLDERS, "all"),
        help="a Grafana dashboard, rules for Prometheus, or both in FOLDER/grafana/dashboards and FOLDER/prometheus/rules",
    )
    parser.add_argument("application", metavar="MODULE:APP", help="where the service's application is: orders.main:app")
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", help="write SERVICE.json or SERVICE.yaml there; else print"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when the file in FOLDER is not current"
    )
    options = parser.parse_args(arguments)
    if options.output is None and (options.check or options.what == "all"):
        parser.error("this needs --output")
    try:
        service = declaration_of(_application(options.application))
    except MonitoringError as error:
        print(error, file=sys.stderr)
        return _EXIT_USAGE
    if options.output is None:
        sys.stdout.write(_written(options.what, service)[1])
        return 0
    if options.what == "all":
        return max(
            _put(options.output / folder, _written(what, service), options.check) for what, folder in _FOLDERS.items()
        )
    return _put(options.output, _written(options.what, service), options.check)


def _written(what: str, service: ServiceDeclaration) -> tuple[str, str]:
    if what == "dashboards":
        return f"{service.name}.json", as_json(dashboard(service))
    return f"{service.name}.yaml", as_yaml(rules(service), comment=_COMMENT.format(name=service.name))


def _put(folder: Path, written: tuple[str, str], is_check: bool) -> int:
    name, text = written
    path = folder / name
    if is_check:
        if path.is_file() and path.read_text("utf-8") == text:
            return 0
        print(f"{path} is not what would be written now", file=sys.stderr)
        return _EXIT_OUTDATED
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    print(path)
    return 0


def _application(target: str) -> Any:
    module, _, attribute = target.partition(":")
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise MonitoringError(f"there is no module {module}; an application is named as in orders.main:app") from error
    for part in (attribute or "app").split("."):
        if not hasattr(found, part):
            raise MonitoringError(f"{module} has no {attribute or 'app'}")
        found = getattr(found, part)
    return found if hasattr(found, "metrics") or not callable(found) else found()


if __name__ == "__main__":
    sys.exit(main())
