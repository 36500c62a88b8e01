"""What programs that a service starts need of its environment, and no more: settings and secrets stay behind."""

from __future__ import annotations

import os
from collections.abc import Mapping

_NEEDED = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TEMP", "TMP", "LANG", "LC_ALL", "TZ", "SSL_CERT_FILE",
    "SSL_CERT_DIR", "SYSTEMROOT", "SYSTEMDRIVE", "APPDATA", "LOCALAPPDATA", "USERPROFILE", "PATHEXT", "COMSPEC",
)  # fmt: skip


def inherited_environment(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables that a program gets which is not ours.

    Args:
        environ: The variables to choose from. Default: those of the process.

    Returns:
        Those that tell where programs, home, temporary files and certificates are, the language and the time zone.
    """
    source = os.environ if environ is None else environ
    return {name: source[name] for name in _NEEDED if name in source}
