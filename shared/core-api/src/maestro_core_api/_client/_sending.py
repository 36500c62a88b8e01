"""One attempt at a call."""

from collections.abc import Sequence
from typing import Final

import httpx2

from maestro_core_api._errors import ClientNotOpenError
from maestro_core_api._resolver import SCHEME, ServiceResolver

from ._call import Call
from ._deadline import Deadline
from ._destinations import Destination, base_of
from ._failures import refusal, says_that_service_is_down, unreachable
from ._outgoing_headers import OutgoingHeaders

_NEVER_CONNECTED: Final = (httpx2.ConnectError, httpx2.ConnectTimeout)


class Sender:
    """Sends a call to an instance that takes it.

    Args:
        resolver: Finds the instances of services.
        headers: Makes the headers.
        timeout: Limits of each step.
    """

    def __init__(self, resolver: ServiceResolver, headers: OutgoingHeaders, timeout: httpx2.Timeout) -> None:
        self.http: httpx2.AsyncClient | None = None
        self._resolver = resolver
        self._headers = headers
        self._timeout = timeout

    async def targets(self, destination: Destination) -> Sequence[str]:
        """Find out which instances may be asked.

        Args:
            destination: Where a call goes.

        Returns:
            Their addresses for this call, the one to begin with first.

        Raises:
            APIException: There is none, or the registry cannot be asked.
            ClientNotOpenError: The client is not open.
        """
        if self.http is None:
            raise _not_open()
        is_service = destination.url.startswith(f"{SCHEME}:")
        return await self._resolver.resolve(destination.url) if is_service else (destination.url,)

    async def send(
        self, call: Call, destination: Destination, targets: Sequence[str], deadline: Deadline
    ) -> httpx2.Response:
        """Make one attempt; an instance that does not take the connection is passed over.

        Args:
            call: What to send.
            destination: Where to.
            targets: Addresses of the instances.
            deadline: When the call has to be over; the headers tell it.

        Returns:
            The 2xx answer; one that is streamed has not been read.

        Raises:
            APIException: There was none.
            ClientNotOpenError: The client is not open.
        """
        if self.http is None:
            raise _not_open()
        for target in targets[:-1]:
            try:
                return await self._ask(self.http, call, destination, target, deadline)
            except _NEVER_CONNECTED:
                # Nothing was sent, so the next instance may be asked even when the call is not idempotent.
                self._avoid(destination, target)
        try:
            return await self._ask(self.http, call, destination, targets[-1], deadline)
        except _NEVER_CONNECTED as error:
            self._avoid(destination, targets[-1])
            raise unreachable(call, targets[-1], error) from error

    async def _ask(
        self, http: httpx2.AsyncClient, call: Call, destination: Destination, target: str, deadline: Deadline
    ) -> httpx2.Response:
        request = http.build_request(
            call.method,
            target,
            json=call.json,
            content=call.content,
            params=call.params,
            headers=self._headers.of(call, deadline, to_a_stranger=destination.is_strange),
            timeout=self._limits(call),
        )
        try:
            response = await http.send(request, stream=call.streams)
            if response.is_success:
                return response
            try:
                await response.aread()
            finally:
                await response.aclose()
        except _NEVER_CONNECTED:
            raise
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            if not isinstance(error, httpx2.PoolTimeout):
                self._avoid(destination, target)
            raise unreachable(call, target, error) from error
        problem = refusal(call, response)
        if says_that_service_is_down(problem):
            self._avoid(destination, target)
        raise problem

    def _limits(self, call: Call) -> httpx2.Timeout:
        if not call.streams:
            return self._timeout
        read_s = None if call.read_timeout is None else call.read_timeout.total_seconds()
        return httpx2.Timeout(self._timeout.write, connect=self._timeout.connect, read=read_s)

    def _avoid(self, destination: Destination, target: str) -> None:
        if destination.url.startswith(f"{SCHEME}:"):
            self._resolver.avoid(destination.url, base_of(target))


def _not_open() -> ClientNotOpenError:
    return ClientNotOpenError("open the client first: async with APIClient(...) as client")
