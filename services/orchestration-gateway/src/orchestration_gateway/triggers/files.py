"""Triggers that are declared in files, one file each: `triggers/shop-orders.yaml`."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from .declaration import DECLARATION, NAME
from .errors import Fault, InvalidTriggerError
from .trigger import Origin, Trigger

_SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
_TENANT: Final = "tenant"


class TriggerFilesError(InvalidTriggerError):
    """Trigger files cannot be used; each fault's path begins with its file."""

    code = "TRIGGER_FILES"


def load_triggers(folder: Path | None) -> Mapping[str, Trigger]:
    """Read the trigger files of a folder.

    Args:
        folder: The folder; None for none.

    Returns:
        The triggers by name, which is the file's without its ending.

    Raises:
        TriggerFilesError: Some cannot be used; all faults are listed.
    """
    if folder is None:
        return {}
    found: dict[str, Trigger] = {}
    faults: list[Fault] = []
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and not path.name.startswith("."))
    except OSError as error:
        raise TriggerFilesError([Fault(str(folder), f"cannot be read: {error.strerror}")]) from error
    for path in paths:
        if path.stem in found:
            faults.append(Fault(str(path), "declares a trigger that another file declares too"))
            continue
        try:
            found[path.stem] = _trigger(path)
        except InvalidTriggerError as error:
            faults += error.faults
    if faults:
        raise TriggerFilesError(faults)
    return found


def _trigger(path: Path) -> Trigger:
    if not NAME.fullmatch(path.stem):
        raise InvalidTriggerError([Fault(str(path), "must be named as its trigger, a DNS label")])
    content = _content(path)
    tenant = content.pop(_TENANT, None)
    if not (tenant is None or (isinstance(tenant, str) and 0 < len(tenant) <= 256)):
        raise InvalidTriggerError([Fault(f"{path}: tenant", "must be text")])
    try:
        declaration = DECLARATION.validate_python(content)
    except ValidationError as error:
        raise InvalidTriggerError(
            [
                Fault(f"{path}: {'.'.join(map(str, fault['loc'])) or '(file)'}", fault["msg"])
                for fault in error.errors(include_input=False)
            ]
        ) from None
    if getattr(declaration, "secrets", None):
        raise InvalidTriggerError(
            [Fault(f"{path}: secrets", "do not belong into a file: name them in secret_names, see the guide")]
        )
    if declaration.kind == "webhook" and not declaration.secret_names:
        raise InvalidTriggerError([Fault(f"{path}: secret_names", "must name a secret: MAESTRO_SECRET_<NAME>")])
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return Trigger(
        name=path.stem,
        tenant=tenant,
        declaration=declaration,
        origin=Origin.FILE,
        revision=1,
        created_at=changed,
        updated_at=changed,
        updated_by=path.name,
    )


def _content(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
        content = json.loads(text) if path.suffix == ".json" else YAML(typ="safe", pure=True).load(text)
    except OSError as error:
        raise InvalidTriggerError([Fault(str(path), f"cannot be read: {error.strerror}")]) from error
    except (ValueError, YAMLError) as error:
        raise InvalidTriggerError([Fault(str(path), f"is neither YAML nor JSON: {error}")]) from error
    if not isinstance(content, dict):
        raise InvalidTriggerError([Fault(str(path), "must hold a mapping")])
    return content
