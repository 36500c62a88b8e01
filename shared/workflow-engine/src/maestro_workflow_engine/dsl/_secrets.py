"""Secrets: where they come from, and which of them a document's expressions ask for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from maestro_core_config import NamedSecrets
from maestro_workflow_engine.dsl._faults import suggest
from maestro_workflow_engine.dsl._node import Node

_REFERENCE = re.compile(r"\$\s*secrets\b(?:\s*\.\s*(?:(\w+)|\"([^\"\\]+)\")|\s*\[\s*\"([^\"\\]+)\"\s*\])?")


class SecretProvider(Protocol):
    """Gives secrets by name. It is asked inside steps only, so that no secret reaches a run's history."""

    async def secret(self, name: str) -> Any:
        """Read a secret.

        Args:
            name: Its name, as `use.secrets` has it.

        Returns:
            Text, or a mapping; None when there is no such secret.

        Raises:
            PermissionError: It may not be read.
        """


class EnvironmentSecrets:
    """Secrets from environment variables and files; see `maestro_core_config.NamedSecrets`."""

    def __init__(self, source: NamedSecrets | None = None) -> None:
        """Choose where secrets are read from.

        Args:
            source: What reads them. Default: the process's environment.
        """
        self._source = source or NamedSecrets()

    async def secret(self, name: str) -> Any:
        """Read a secret; see `SecretProvider.secret`."""
        try:
            return await asyncio.to_thread(self._source.read, name)
        except OSError as error:
            raise PermissionError(f"its file cannot be read: {error.strerror}") from error


class FixedSecrets:
    """Secrets from a mapping, for tests and for programs that read them by themselves."""

    def __init__(self, secrets: Mapping[str, Any]) -> None:
        """Take the secrets.

        Args:
            secrets: Text or mappings by name.
        """
        self._secrets = dict(secrets)

    async def secret(self, name: str) -> Any:
        """Read a secret; see `SecretProvider.secret`."""
        return self._secrets.get(name)

    def __repr__(self) -> str:
        return f"<FixedSecrets {', '.join(sorted(self._secrets))}>"


def secrets_of(expression: str) -> Iterable[str | None]:
    """Find the secrets that an expression names.

    Args:
        expression: A jq program.

    Returns:
        A name for each `$secrets.name`, and None for each `$secrets` that stands for all of them.
    """
    return [next((name for name in match.groups() if name), None) for match in _REFERENCE.finditer(expression)]


def check_secrets(node: Node, declared: Collection[str]) -> None:
    """Note as a fault every secret that expressions below a node name and the document does not declare.

    Args:
        node: Any part of a document.
        declared: What is under `use.secrets`.
    """
    if isinstance(node.value, dict | list):
        for key in node.value if isinstance(node.value, dict) else range(len(node.value)):
            check_secrets(node.child(key), declared)
    elif isinstance(node.value, str) and "secrets" in node.value:
        for name in secrets_of(node.value):
            if name is not None and name not in declared:
                node.fault(f"no secret named {name!r} under /use/secrets", suggest(name, declared))
