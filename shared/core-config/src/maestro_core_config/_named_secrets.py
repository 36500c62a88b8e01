"""Secrets that are asked for by name, where no configuration class declares them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
_SAFE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


class NamedSecrets:
    """Reads secrets from the environment and from files, each time anew, so that a rotated secret is seen at once.

    For a secret named `payment-api` (or `paymentApi`), in this order: the variable `MAESTRO_SECRET_PAYMENT_API`, the file named by
    `MAESTRO_SECRET_PAYMENT_API_FILE`, and `payment-api` in the folder named by `MAESTRO_SECRETS_DIR`: a file, or a folder
    with one file for each part, as Docker and Kubernetes mount them.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """Say where variables come from.

        Args:
            environ: The variables. Default: those of the process.
        """
        self._environ = os.environ if environ is None else environ

    def read(self, name: str) -> Any:
        """Read a secret.

        Args:
            name: Its name.

        Returns:
            What JSON gives for text that is a JSON object, the text itself otherwise (a file without its last line break), a
            mapping for a folder; None when there is no such secret.

        Raises:
            OSError: A file is named, and cannot be read.
        """
        variable = variable_of(name)
        if variable in self._environ:
            return _value(self._environ[variable])
        if f"{variable}_FILE" in self._environ:
            return _read(Path(self._environ[f"{variable}_FILE"]))
        folder = self._environ.get("MAESTRO_SECRETS_DIR")
        if not folder or not _SAFE.fullmatch(name):
            return None
        place = Path(folder) / name
        if place.is_dir():
            return {
                part.name: _read(part) for part in sorted(place.iterdir()) if part.is_file() and part.name[0] != "."
            }
        return _read(place) if place.is_file() else None


def variable_of(name: str) -> str:
    """Return the environment variable of a secret: words in capitals, joined by underscores.

    Args:
        name: Such as `payment-api` or `paymentApi`.

    Returns:
        Such as `MAESTRO_SECRET_PAYMENT_API`.
    """
    return "MAESTRO_SECRET_" + "_".join(part for part in _WORD.split(name) if part).upper()


def _read(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    return _value(text.removesuffix("\n").removesuffix("\r"))


def _value(text: str) -> Any:
    if not text.lstrip().startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
