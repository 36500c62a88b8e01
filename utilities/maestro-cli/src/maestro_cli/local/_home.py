"""The folder that one local environment lives in."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from maestro_cli._errors import HomeError

from ._atomic import write_atomically

_PROBE_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Home:
    """Where everything of one environment lies; nothing is kept outside it."""

    root: Path
    """Absolute path of the folder, usually `.maestro` where `maestro up` was called."""

    @property
    def state_file(self) -> Path:
        """What runs, where, under which process id."""
        return self.root / "state.json"

    @property
    def lock_file(self) -> Path:
        """Locked by the supervisor for as long as it lives."""
        return self.root / "lock"

    @property
    def logs(self) -> Path:
        """One log per service, and the supervisor's own."""
        return self.root / "logs"

    @property
    def data(self) -> Path:
        """The services' data."""
        return self.root / "data"

    @property
    def secrets(self) -> Path:
        """Readable by the owner only."""
        return self.root / "secrets"

    @property
    def requests(self) -> Path:
        """Where the command leaves orders for a supervisor that runs."""
        return self.root / "requests"

    def log_file(self, service: str) -> Path:
        """Tell where a service's output goes.

        Args:
            service: Name of the service.

        Returns:
            The path, whether or not the file exists.
        """
        return self.logs / f"{service}.log"

    def prepare(self) -> None:
        """Create the folders and see that they can be written to.

        Raises:
            HomeError: One of them cannot be created, or there is no space.
        """
        for folder in (self.root, self.logs, self.data, self.secrets, self.requests):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                if folder == self.secrets:
                    folder.chmod(0o700)
            except OSError as error:
                raise HomeError(folder, error.strerror or str(error)) from error
        probe = self.root / ".probe"
        write_atomically(probe, bytes(_PROBE_BYTES))
        probe.unlink(missing_ok=True)
