"""What the client of NATS raises, as errors that say what to do."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

import nats.errors
import nats.js.errors

from maestro_core_messaging._errors import BrokerRefusedError, BrokerUnavailableError, JetStreamUnavailableError

_NO_JETSTREAM: Final = (10039, 10076)
"""Codes of the server: not enabled for this account, not enabled at all."""
_REFUSED: Final = ("authorization", "permissions", "nkey", "tls")
NETWORK: Final = (nats.errors.Error, OSError, asyncio.TimeoutError)
"""What may be raised when the server is away, or turns to be."""


def shown(url: str) -> str:
    """Return addresses without credentials."""
    return ",".join(_without_credentials(part.strip()) for part in url.split(","))


@contextmanager
def explained(server: str, doing: str) -> Iterator[None]:
    """Turn what the client raises in the block into errors of this package.

    Args:
        server: Address of the server, without credentials.
        doing: What is being done, as the beginning of a sentence.
    """
    try:
        yield
    except (
        nats.js.errors.ServiceUnavailableError,
        nats.js.errors.NoStreamResponseError,
        nats.errors.NoRespondersError,
    ):
        raise _no_jetstream(server, doing) from None
    except nats.js.errors.APIError as error:
        if error.err_code in _NO_JETSTREAM:
            raise _no_jetstream(server, doing) from error
        raise BrokerUnavailableError(
            f"{doing}: the server {server} answers {error.code}: {error.description}", server=server
        ) from error
    except NETWORK as error:
        raise unreachable(server, doing, error) from error


def unreachable(server: str, doing: str, error: BaseException | None) -> BrokerUnavailableError | BrokerRefusedError:
    """Return the error for a server that does not answer, or does not let us in."""
    text = f"{type(error).__name__}: {error}" if error is not None and str(error) else type(error).__name__
    if any(word in text.lower() for word in _REFUSED):
        return BrokerRefusedError(
            f"{doing}: the server {server} refuses: {text}; look at the credentials in MAESTRO_MESSAGING_URL "
            "and MAESTRO_MESSAGING_CREDENTIALS",
            server=server,
        )
    return BrokerUnavailableError(
        f"{doing}: the server {server} does not answer ({text}); is it running, and is MAESTRO_MESSAGING_URL its address?",
        server=server,
    )


def _no_jetstream(server: str, doing: str) -> JetStreamUnavailableError:
    return JetStreamUnavailableError(
        f"{doing}: the server {server} keeps no streams; start it with `nats-server --jetstream`, "
        "and in a cluster wait until it has a leader",
        server=server,
    )


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return url.replace(parts.netloc, parts.netloc.rpartition("@")[2], 1)
