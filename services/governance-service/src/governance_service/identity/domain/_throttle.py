"""How long to wait after failed attempts to sign in.

Three counts are kept. For one user from one address the pauses grow long: whoever guesses there locks out only themselves.
For one address over all users they stop one password being tried on everybody. For one user over all addresses they slow down
those who come from many, but neither an address from which that user has signed in before, nor the first attempt from any address:
so the right password signs in at once from where nobody has guessed, however many guess elsewhere, and nobody is locked out
for ever. An attempt that comes too early is not looked at, and makes no pause longer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Pauses:
    """How pauses grow with failures."""

    free: int
    """So many failures make no pause."""
    longest: timedelta
    """The longest pause."""
    forgotten_after: timedelta
    """Failures count no more when the last one is so long ago."""

    def wait(self, failures: int, last: datetime | None, now: datetime) -> timedelta:
        """Return how long to wait: the pause doubles with each failure, from a second.

        Args:
            failures: How many there were.
            last: When the last one was.
            now: The present.

        Returns:
            How long; zero when the next attempt may come.
        """
        if last is None or failures < self.free or now - last >= self.forgotten_after:
            return timedelta(0)
        pause = min(self.longest, timedelta(seconds=2.0 ** min(failures - self.free, 30)))
        return max(last + pause - now, timedelta(0))

    def counted(self, failures: int, last: datetime | None, now: datetime) -> int:
        """Return the number of failures with one more.

        Args:
            failures: How many there were.
            last: When the last one was.
            now: The present.
        """
        return 1 if last is None or now - last >= self.forgotten_after else failures + 1


USER_FROM_ADDRESS = Pauses(free=5, longest=timedelta(minutes=15), forgotten_after=timedelta(hours=1))
"""For one user from one address."""
ADDRESS = Pauses(free=50, longest=timedelta(minutes=5), forgotten_after=timedelta(hours=1))
"""For one address, whoever is tried."""
USER = Pauses(free=20, longest=timedelta(minutes=1), forgotten_after=timedelta(hours=1))
"""For one user, wherever attempts come from."""
