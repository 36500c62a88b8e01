"""What can be set of scorecards."""

from pydantic import Field

from maestro_core_config import BaseConfig


class ScorecardSettings(BaseConfig):
    """Settings of scorecards."""

    scorecard_interval_s: float = Field(default=300.0, ge=0, le=604_800)
    """How often every registered service is looked at, in seconds; 0: only when somebody asks. Default: 300."""
    scorecard_kept: int = Field(default=200, ge=1, le=100_000)
    """How many scorecards of a service are kept for its trend. Default: 200."""
    scorecard_reads_ops: bool | None = None
    """Whether services' `/ops` is read, with a token of an admin, which every registered instance then gets to see: only where
    whoever may register an instance may be an admin too. Default: in the development environment alone."""
    scorecard_timeout_s: float = Field(default=5.0, gt=0, le=60)
    """How long one answer of a service is waited for, in seconds. Default: 5."""

    @property
    def reads_ops(self) -> bool:
        """Whether `/ops` is read."""
        chosen = self.scorecard_reads_ops
        return self.environment == "development" if chosen is None else chosen
