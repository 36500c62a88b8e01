"""The inventory of an environment: every installed distribution, once, in a fixed order, and what is odd about it.

Metadata folders are read as the specifications describe them (recording installed projects, core metadata), so that
broken ones become findings: `importlib.metadata` leaves them out or fails on them.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.markers import UndefinedEnvironmentName
from packaging.metadata import RawMetadata
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from dependency_review._metadata import Metadata, is_metadata, read_metadata
from dependency_review.errors import DistributionNotFoundError, EnvironmentNotFoundError, InvalidExpressionError
from dependency_review.expressions import normalize
from dependency_review.findings import Finding, FindingKind

_MOST_LEGACY = 200
"""Characters kept of the legacy License field, which some projects fill with a whole licence text."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution, light enough for a journal: its texts are read where they are needed."""

    name: str
    """As the project spells it."""
    version: str
    metadata_path: str
    """Where its metadata is."""
    declared: str | None = None
    """The declared License-Expression in normal form; None when there is none, or none that is valid."""
    declared_as: str | None = None
    """The declared License-Expression as it stands in the metadata."""
    legacy_license: str | None = None
    """The first line of the free-text License field: shown, but no ground truth."""
    classifiers: tuple[str, ...] = ()
    """License classifiers: shown, but no ground truth."""
    requires: tuple[str, ...] = ()
    """What it needs of what is installed, by normal name; needs of extras are left out."""

    @property
    def key(self) -> str:
        """The name in normal form, by which indexes and installers tell projects apart."""
        return str(canonicalize_name(self.name))


@dataclass(frozen=True, slots=True)
class Inventory:
    """What is installed."""

    python: str
    """Name and version of the Python that took the inventory."""
    paths: tuple[str, ...]
    """The folders that were looked at, in order of precedence."""
    distributions: tuple[Distribution, ...] = ()
    """By normal name."""
    findings: tuple[Finding, ...] = ()


def take_inventory(paths: Sequence[str] | None = None) -> Inventory:
    """List every distribution that is installed.

    Args:
        paths: Folders to look in, highest precedence first: site-packages folders or virtual environments. Default:
            the import path of this process.

    Returns:
        The distributions and what is odd. Of one that is installed several times the one that is imported is listed.

    Raises:
        EnvironmentNotFoundError: Paths were given and none of them is a folder.
    """
    folders, findings = _folders(sys.path if paths is None else paths)
    if paths is None:
        findings = []  # an import path names archives and folders that need not exist
    elif not folders:
        raise EnvironmentNotFoundError(list(paths))
    found: dict[str, Distribution] = {}
    for folder in folders:
        for path in _metadata_paths(folder, findings):
            distribution = _read(path, findings)
            if distribution is None:
                continue
            first = found.setdefault(distribution.key, distribution)
            if first is not distribution:
                findings.append(_duplicate(first, distribution))
    installed = {key: replace(one, requires=tuple(n for n in one.requires if n in found)) for key, one in found.items()}
    return Inventory(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        paths=tuple(map(str, folders)),
        distributions=tuple(installed[key] for key in sorted(installed)),
        findings=tuple(sorted(findings)),
    )


def _folders(paths: Sequence[str]) -> tuple[list[Path], list[Finding]]:
    folders: dict[Path, None] = {}
    findings: list[Finding] = []
    for text in paths:
        path = Path(text or ".")
        if not path.is_dir():
            findings.append(Finding(FindingKind.MISSING_PATH, text, "is no folder"))
            continue
        for folder in _site_packages(path):
            folders.setdefault(folder.resolve())
    return list(folders), findings


def _site_packages(path: Path) -> list[Path]:
    """Return where a virtual environment keeps its distributions; any other folder is taken as it is."""
    if not (path / "pyvenv.cfg").is_file():
        return [path]
    return sorted([*path.glob("lib/python*/site-packages"), *path.glob("Lib/site-packages")]) or [path]


def _metadata_paths(folder: Path, findings: list[Finding]) -> Iterator[Path]:
    """Yield the metadata in a folder: installed wheels first, so that they win over left-behind eggs."""
    try:
        entries = sorted(folder.iterdir(), key=lambda path: (path.suffix.lower() != ".dist-info", path.name))
    except OSError as error:
        findings.append(Finding(FindingKind.UNREADABLE, str(folder), error.strerror or str(error)))
        return
    if folder.suffix.lower() == ".egg":
        entries = [path for path in entries if path.name == "EGG-INFO"]
    for path in entries:
        if is_metadata(path):
            yield path
        elif path.suffix.lower() == ".egg" and (path / "EGG-INFO").is_dir():
            yield path / "EGG-INFO"


def _read(path: Path, findings: list[Finding]) -> Distribution | None:
    try:
        metadata = read_metadata(path)
    except DistributionNotFoundError as error:
        findings.append(Finding(FindingKind.NO_METADATA, str(path), error.reason))
        return None
    except OSError as error:
        findings.append(Finding(FindingKind.UNREADABLE, str(path), error.strerror or str(error)))
        return None
    name, version = metadata.fields.get("name", "").strip(), metadata.fields.get("version", "").strip()
    if not name or not version:
        missing = " and ".join(field for field, value in (("Name", name), ("Version", version)) if not value)
        findings.append(Finding(FindingKind.INCOMPLETE_METADATA, str(path), f"the metadata has no {missing}"))
        return None
    declared, declared_as = _declared(name, metadata, findings)
    return Distribution(
        name=name,
        version=version,
        metadata_path=str(path),
        declared=declared,
        declared_as=declared_as,
        legacy_license=_legacy(metadata.fields),
        classifiers=tuple(c for c in metadata.fields.get("classifiers", ()) if c.startswith("License ::")),
        requires=_requires(metadata.fields),
    )


def _requires(fields: RawMetadata) -> tuple[str, ...]:
    names = set()
    for text in fields.get("requires_dist", ()):
        # A need that cannot be read is nobody's licence: it is left out.
        with suppress(InvalidRequirement, UndefinedEnvironmentName):
            need = Requirement(text)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                names.add(str(canonicalize_name(need.name)))
    return tuple(sorted(names))


def _declared(name: str, metadata: Metadata, findings: list[Finding]) -> tuple[str | None, str | None]:
    if not metadata.expressions:
        return None, None
    text = " | ".join(metadata.expressions)
    if len(metadata.expressions) > 1:
        findings.append(
            Finding(FindingKind.INVALID_EXPRESSION, name, f"License-Expression is given more than once: {text}")
        )
        return None, text
    try:
        return normalize(text), text
    except InvalidExpressionError as error:
        findings.append(Finding(FindingKind.INVALID_EXPRESSION, name, str(error)))
        return None, text


def _legacy(fields: RawMetadata) -> str | None:
    text = fields.get("license", "").strip()
    line = text.partition("\n")[0].strip()
    if not line:
        return None
    return line if len(line) <= _MOST_LEGACY and line == text else f"{line[:_MOST_LEGACY].rstrip()} …"


def _duplicate(first: Distribution, other: Distribution) -> Finding:
    detail = f"version {other.version} at {other.metadata_path} stands behind version {first.version} at {first.metadata_path}"
    return Finding(FindingKind.DUPLICATE, first.name, detail)
