"""Reading one metadata folder: `*.dist-info`, `*.egg-info` (a folder or a file) or `EGG-INFO`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from packaging.metadata import RawMetadata, parse_email

from dependency_review.errors import DistributionNotFoundError

_SUFFIXES = (".dist-info", ".egg-info")
_MOST_BYTES = 4 * 1024 * 1024
"""Core metadata holds the README; beyond this size something is wrong with it."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Core metadata as far as it could be read."""

    fields: RawMetadata
    expressions: tuple[str, ...]
    """Every value of License-Expression; the specification allows one."""


def is_metadata(path: Path) -> bool:
    """Tell whether a path is named as the metadata of a distribution is."""
    return path.name.lower().endswith(_SUFFIXES) or path.name == "EGG-INFO"


def read_metadata(path: Path) -> Metadata:
    """Read the core metadata of a distribution.

    Args:
        path: The metadata folder, or an `.egg-info` file.

    Returns:
        Its fields. Faulty headers are left out; text that is not UTF-8 is read as far as it can be.

    Raises:
        DistributionNotFoundError: The path is no metadata folder, or there is no metadata in it.
        OSError: The metadata cannot be read.
    """
    if not is_metadata(path):
        raise DistributionNotFoundError(str(path), "it is not named like a metadata folder")
    candidates = [path] if path.is_file() else [path / "METADATA", path / "PKG-INFO"]
    source = next((candidate for candidate in candidates if candidate.is_file()), None)
    if source is None:
        raise DistributionNotFoundError(str(path), "it holds neither METADATA nor PKG-INFO")
    with source.open("rb") as file:
        data = file.read(_MOST_BYTES)
    if not data.strip():
        raise DistributionNotFoundError(str(path), f"{source.name} is empty")
    fields, unparsed = parse_email(data.decode("utf-8", "replace"))
    declared = fields.get("license_expression")
    expressions = (declared,) if declared is not None else tuple(unparsed.get("license-expression", ()))
    return Metadata(fields, expressions)
