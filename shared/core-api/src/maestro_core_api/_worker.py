"""A worker's side of serving with several processes: its lifeline, its word that it is ready, its turn at registering."""

import fcntl
import os
import signal
import threading
import time
from dataclasses import dataclass
from typing import IO, Any, Final

_MARGIN_S: Final = 5.0


@dataclass(frozen=True)
class Worker:
    """What a worker knows of itself and its parent."""

    number: int
    """Which of the workers it is, from 1 on; one that takes another's place has its number."""
    instance_id: str
    """Under which all workers together are registered."""
    lifeline: int
    """A pipe that ends when the parent does."""
    ready: int
    """A pipe on which the worker says that it serves."""
    turn: IO[Any]
    """A file whose lock belongs to the worker that registers the service."""

    def hold_on(self, grace_s: float) -> None:
        """End this process when its parent has ended, gracefully first; in a thread, so that a busy event loop does not matter.

        Args:
            grace_s: How long a graceful stop may take.
        """
        threading.Thread(target=self._watch, args=(grace_s,), name="lifeline", daemon=True).start()

    def say_ready(self) -> None:
        """Tell the parent that this worker serves."""
        os.write(self.ready, b".")

    def has_turn(self) -> bool:
        """Tell whether this worker is the one that registers; one that is keeps its turn until it ends.

        Returns:
            Whether it is; the first that asks after the one before has ended.
        """
        try:
            # A lock of the process: it is not inherited, and the system gives it back however the process ends.
            fcntl.lockf(self.turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _watch(self, grace_s: float) -> None:
        os.read(self.lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(grace_s + _MARGIN_S)
        os.kill(os.getpid(), signal.SIGKILL)
