"""When a service that has crashed is started again."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """Growing pauses between restarts."""

    first: timedelta = timedelta(milliseconds=500)
    """Pause after the first crash. Default: half a second."""
    factor: float = 2.0
    """How much longer each further pause is. Default: twice."""
    longest: timedelta = timedelta(seconds=30)
    """Limit of the pause. Default: 30 s."""
    forget_after: timedelta = timedelta(minutes=1)
    """A service that ran this long starts with the first pause again. Default: a minute."""

    def crashes(self, before: int, ran: timedelta) -> int:
        """Count a crash.

        Args:
            before: Crashes in a row until now.
            ran: How long the service ran this time.

        Returns:
            Crashes in a row, this one included.
        """
        return 1 if ran >= self.forget_after else before + 1

    def pause(self, crashes: int) -> timedelta:
        """Tell how long to wait.

        Args:
            crashes: Crashes in a row, at least 1.

        Returns:
            The pause before the next start.
        """
        # Past this many doublings the power would leave the range of a float; the limit has long been reached.
        exponent = min(crashes - 1, 64)
        seconds = min(self.longest.total_seconds(), self.first.total_seconds() * self.factor**exponent)
        return timedelta(seconds=seconds)
