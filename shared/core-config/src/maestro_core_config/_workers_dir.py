"""The folder that the worker processes of one service share, which their parent names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

WORKERS_DIR_VARIABLE = "MAESTRO_WORKERS_DIR"


def workers_dir(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the folder that the workers of this service share.

    It is no setting: whoever starts the workers makes it for the life of the service and passes it on in `MAESTRO_WORKERS_DIR`.

    Args:
        environ: The variables to look in. Default: those of the process.

    Returns:
        The folder; None in a service of one process.
    """
    given = (os.environ if environ is None else environ).get(WORKERS_DIR_VARIABLE, "")
    return Path(given) if given else None
