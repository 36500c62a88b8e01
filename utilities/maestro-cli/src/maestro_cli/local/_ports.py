"""Ports that stay ours from the moment they are picked."""

import socket
import sys
from types import TracebackType
from typing import Final, Self

from maestro_cli._errors import PortTakenError

LOOPBACK: Final = "127.0.0.1"
# Linux lets a socket listen on an address that another one has only bound, when both allow it. So the supervisor keeps
# the port bound for its whole life: nobody else is given it, not even between a crash and the restart.
_CAN_HOLD: Final = sys.platform == "linux"


class PortReservation:
    """A port that is kept for one service.

    Args:
        number: The port.
        holder: The bound socket that keeps it; None where the system does not allow that.
    """

    def __init__(self, number: int, holder: socket.socket | None) -> None:
        self.number = number
        self._holder = holder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def release(self) -> None:
        """Give the port back."""
        if self._holder is not None:
            self._holder.close()
            self._holder = None


def reserve_port(service: str, *, wanted: int = 0, variable: str = "") -> PortReservation:
    """Reserve a port on the loopback address.

    Args:
        service: The service that will listen on it.
        wanted: A certain port; 0 for any free one.
        variable: The environment variable that asked for it, for the message.

    Returns:
        The reservation.

    Raises:
        PortTakenError: The wanted port is in use.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((LOOPBACK, wanted))
    except OSError as error:
        holder.close()
        raise PortTakenError(service, wanted, variable) from error
    number: int = holder.getsockname()[1]
    if not _CAN_HOLD:
        holder.close()
    return PortReservation(number, holder if _CAN_HOLD else None)
