"""What was seen of a trail the last time: whoever cuts its end off, with everything that the service has, contradicts it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from maestro_cli._errors import HomeError, InputError
from maestro_cli.local._atomic import write_atomically


class Witness(BaseModel):
    """A trail as it was."""

    model_config = ConfigDict(frozen=True)

    log_id: str
    keys: dict[str, Any]
    """The keys that are trusted from then on."""
    checkpoint: dict[str, Any]
    """How far it was."""


def read_witness(path: Path) -> Witness | None:
    """Read what was seen.

    Args:
        path: The file.

    Returns:
        What was seen; None when there is no such file.

    Raises:
        InputError: It cannot be read.
    """
    try:
        return Witness.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise InputError(
            f"{path} cannot be read as what was seen of a trail", hint="Restore it from a copy."
        ) from error


def write_witness(path: Path, log_id: str, keys: Mapping[str, Any], checkpoint: Mapping[str, Any]) -> None:
    """Keep what was seen.

    Args:
        path: The file.
        log_id: Which trail.
        keys: The keys that are trusted.
        checkpoint: How far it was.

    Raises:
        HomeError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HomeError(path.parent, error.strerror or str(error)) from error
    seen = Witness(log_id=log_id, keys=dict(keys), checkpoint=dict(checkpoint))
    write_atomically(path, seen.model_dump_json().encode(), mode=0o600)
