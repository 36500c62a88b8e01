"""What tests of the service stand on."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from governance_service.config import GovernanceServiceConfig

SECRET: Final = "a-secret-for-tests-of-at-least-32-bytes"  # noqa: S105 - it protects nothing


class FakeClock:
    """A `Clock` that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Return the present, as set."""
        return self.now

    def advance(self, by: timedelta) -> None:
        """Let time go by.

        Args:
            by: How much.
        """
        self.now += by


def config_for(folder: Path, database_url: str | None = None, **settings: Any) -> GovernanceServiceConfig:
    """Make a configuration that keeps everything in a folder.

    Args:
        folder: The folder.
        database_url: The database; None takes a SQLite file in the folder.
        **settings: Further settings, which win.

    Returns:
        The configuration.
    """
    given = {"environment": "test", "jwt_secret": SECRET, "data_dir": folder, "database_url": database_url}
    given |= {"policy_builtin": False, "scorecard_interval_s": 0, **settings}
    return GovernanceServiceConfig.model_validate(given)
