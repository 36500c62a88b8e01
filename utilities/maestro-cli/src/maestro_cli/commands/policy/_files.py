"""Policies in files, read and tested by whatever package knows how."""

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any, Final

from maestro_cli._errors import InputError, MaestroCliError

JSON = Any
"""Any JSON value."""
GROUP: Final = "maestro.policies"


def tested(place: str) -> Sequence[Mapping[str, JSON]]:
    """Compile policies and run their tests.

    Args:
        place: A file of rules, or a folder of them.

    Returns:
        A report for each policy.

    Raises:
        InputError: There is nothing at that place.
        MaestroCliError: Nothing is installed that knows policies.
    """
    points = list(entry_points(group=GROUP))
    if not points:
        raise MaestroCliError(
            "nothing is installed that can test policies", hint="pip install maestro-governance-service"
        )
    run: Callable[[str], Sequence[Mapping[str, JSON]]] = points[0].load()
    try:
        reports = run(place)
    except FileNotFoundError as error:
        raise InputError(str(error)) from error
    if not reports:
        raise InputError(f"there is no policy in {place}", hint="A policy is a file NAME.cedar.")
    return reports
