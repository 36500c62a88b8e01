"""The socket that a service listens on: bound before anything else, so that the address is known and certain."""

import errno
import socket
from typing import Any, Final

from ._errors import AddressUnavailableError

EXIT_UNAVAILABLE: Final = 69
EXIT_NO_PERMISSION: Final = 77
BACKLOG: Final = 1_024
_WILDCARDS: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - recognised here, not listened on


def bind(host: str, port: int) -> socket.socket:
    """Bind and listen.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.

    Returns:
        The listening socket. Connections wait in its backlog until the server takes them.

    Raises:
        AddressUnavailableError: The address cannot be had; the message names it and says what to do.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _unavailable(error, host, port) from error
    try:
        # No SO_REUSEPORT, which would let a second service share the port in silence.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise _unavailable(error, host, port) from error
    return listener


def _unavailable(error: OSError, host: str, port: int) -> AddressUnavailableError:
    where = f"{host}:{port}"
    exit_code = EXIT_UNAVAILABLE
    if error.errno == errno.EADDRINUSE:
        message = (
            f"port {port} on {host} is taken by another process; stop it or choose another port (0 takes a free one)"
        )
    elif error.errno == errno.EACCES:
        message = f"not permitted to listen on {where}; ports below 1024 need a privilege"
        exit_code = EXIT_NO_PERMISSION
    else:
        message = f"cannot listen on {where}: {error.strerror or error}"
    return AddressUnavailableError(message, host=host, port=port, exit_code=exit_code)


def address_of(listener: socket.socket, *, secure: bool = False) -> str:
    """Return the address to call.

    Args:
        listener: The listening socket.
        secure: Whether TLS is spoken on it.

    Returns:
        The base URL; for a socket that listens on all addresses, with the name of the machine.
    """
    address: Any = listener.getsockname()
    host = socket.gethostname() if address[0] in _WILDCARDS else address[0]
    scheme = "https" if secure else "http"
    return f"{scheme}://[{host}]:{address[1]}" if ":" in host else f"{scheme}://{host}:{address[1]}"
