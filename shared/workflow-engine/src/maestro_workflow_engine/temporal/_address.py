"""Where a Temporal cluster is and how it is reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from maestro_workflow_engine._errors import WorkflowDefinitionError

_FORM = "temporal://host:port/namespace?task_queue=name"
_OPTIONS = (
    "task_queue",
    "tls",
    "server_ca",
    "client_cert",
    "client_key",
    "api_key_file",
    "lost_after_s",
    "local_steps",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemporalAddress:
    """A cluster, a namespace of it, and what is needed to be let in."""

    target: str
    """Host and port of the frontend."""

    namespace: str = "default"
    """The namespace. Default: `default`."""

    task_queue: str = "maestro"
    """The task queue that workflows and steps go through. Default: `maestro`."""

    tls: bool = False
    """Whether to speak TLS; certificates and API keys imply it. Default: no."""

    server_ca: bytes | None = None
    """PEM of the authority that vouches for the server. Default: the system's."""

    client_cert: bytes | None = None
    """PEM of the client's certificate (mTLS). Default: none."""

    client_key: bytes | None = None
    """PEM of the client's private key (mTLS). Default: none."""

    api_key: str | None = None
    """An API key, as Temporal Cloud issues them. Default: none."""

    api_key_file: Path | None = None
    """The file that the API key was read from, and is read from again. Default: none."""

    lost_after: timedelta = timedelta(seconds=30)
    """How long nothing is heard of a running step before its worker counts as lost and the step runs again. Default 30 s."""

    local_steps: frozenset[str] = frozenset()
    """Steps, by name, that run as local activities: in the workflow's own worker, for short ones. Default: none."""


def parse(url: str) -> TemporalAddress:
    """Read a `temporal://` URL. Secrets are named by file, so that no URL in a log holds one.

    Args:
        url: `temporal://host:port/namespace?task_queue=…`, with `tls=1`, `server_ca=FILE`, `client_cert=FILE`,
            `client_key=FILE`, `api_key_file=FILE`, `lost_after_s=30`, `local_steps=name,name` as wanted.

    Returns:
        The address.

    Raises:
        WorkflowDefinitionError: The URL has another form, an option nobody knows, or names a file that cannot be read.
    """
    parts = urlsplit(url)
    if parts.scheme != "temporal" or not parts.hostname or parts.username or parts.fragment:
        raise WorkflowDefinitionError(f"{url!r} names no Temporal cluster: use {_FORM}")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(options.keys() - set(_OPTIONS))
    if unknown:
        raise WorkflowDefinitionError(
            f"{url!r} has options nobody knows: {', '.join(unknown)}; known: {', '.join(_OPTIONS)}"
        )
    ca, cert, key = (_pem(options, name) for name in ("server_ca", "client_cert", "client_key"))
    if (cert is None) != (key is None):
        raise WorkflowDefinitionError(f"{url!r}: client_cert and client_key belong together")
    api_key = _file(options, "api_key_file")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    try:
        port, lost_after = parts.port or 7233, float(options.get("lost_after_s", "30"))
    except ValueError as error:
        raise WorkflowDefinitionError(f"{url!r}: {error}") from error
    if not lost_after >= 1:
        raise WorkflowDefinitionError(f"{url!r}: lost_after_s must be 1 or more")
    return TemporalAddress(
        target=f"{host}:{port}",
        namespace=unquote(parts.path.strip("/")) or "default",
        task_queue=options.get("task_queue") or "maestro",
        tls=options.get("tls", "0") not in ("0", "false", "") or any((ca, cert, api_key)),
        server_ca=ca,
        client_cert=cert,
        client_key=key,
        api_key=None if api_key is None else api_key.decode().strip(),
        api_key_file=Path(options["api_key_file"]) if api_key is not None else None,
        lost_after=timedelta(seconds=lost_after),
        local_steps=frozenset(filter(None, options.get("local_steps", "").split(","))),
    )


def _pem(options: dict[str, str], name: str) -> bytes | None:
    found = _file(options, name)
    if found is not None and b"-----BEGIN " not in found:
        raise WorkflowDefinitionError(f"{name}={options[name]} holds no certificate or key in PEM form")
    return found


def _file(options: dict[str, str], name: str) -> bytes | None:
    path = options.get(name)
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise WorkflowDefinitionError(f"{name}={path} cannot be read: {error.strerror}") from error
