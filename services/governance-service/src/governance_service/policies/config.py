"""What can be set of policies."""

from pathlib import Path

from pydantic import Field

from maestro_core_config import BaseConfig


class PolicySettings(BaseConfig):
    """Settings of policies."""

    policy_dir: Path | None = None
    """A folder of policies that are put in force at the start: `<name>.cedar` with its schema and tests. Default: none."""
    policy_builtin: bool = True
    """Whether the policies that come with the service are put in force too. Default: true."""
    policy_decisions_kept: int = Field(default=10_000, ge=100, le=10_000_000)
    """How many of the latest decisions the log keeps. Default: 10000."""
    policy_decisions_compared: int = Field(default=1_000, ge=1, le=10_000)
    """How many of the latest decisions a dry run asks a new version again. Default: 1000."""
