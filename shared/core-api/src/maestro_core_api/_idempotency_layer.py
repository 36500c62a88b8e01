"""The layer that answers a request with an idempotency key once."""

import asyncio
import hashlib
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maestro_core_logging import get_logger

from ._answer_recorder import AnswerRecorder
from ._client_address import ClientAddresses, address_group
from ._exceptions import APIException, ConflictException, ServiceUnavailableException, ValidationException
from ._idempotency import Answer, Begun
from ._idempotency_config import IdempotencyConfig
from ._idempotency_store import IdempotencyStore
from ._idempotent import is_idempotent
from ._problem import problem_response, status_error
from ._rate_limit_store import StoreUnavailableError
from ._request_info import IdempotentCall, request_info
from ._routes import selected_route

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# A structured-field string (RFC 9651, 3.3.3), or the same without its quotes, as many callers send it.
_KEY: Final = re.compile(rb'(?P<quote>"?)(?P<key>[\x21\x23-\x5b\x5d-\x7e]{1,255})(?P=quote)')
# Answers that say nothing about the work: the same request may fare better later.
_PASSING: Final = frozenset({401, 403, 408, 425, 429})
_LOGGER: Final = get_logger("maestro_core_api.idempotency")


class IdempotencyLayer:
    """ASGI layer for requests with an `Idempotency-Key`; all others only pay for looking at their headers.

    Args:
        app: The next layer.
        store: Keeps the answers.
        config: For how long, and what happens after failures.
        routes: The application's routes; the list may grow.
        addresses: Finds the address of anonymous callers.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        store: IdempotencyStore,
        config: IdempotencyConfig,
        routes: Sequence[BaseRoute],
        addresses: ClientAddresses,
    ) -> None:
        self._app = app
        self._store = store
        self._config = config
        self._routes = routes
        self._addresses = addresses

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        # No coroutine of its own: nearly all requests are handed on, and would pay for it.
        if scope["type"] != "http" or scope["method"] in _SAFE:
            return self._app(scope, receive, send)
        sent = [value for name, value in scope["headers"] if name == b"idempotency-key"]
        if sent:
            route, endpoint = selected_route(self._routes, scope)
            if is_idempotent(endpoint):
                return self._answer_once(sent, route, scope, receive, send)
        return self._app(scope, receive, send)

    async def _answer_once(self, sent: list[bytes], route: str, scope: Scope, receive: Receive, send: Send) -> None:
        owner = uuid.uuid4().hex
        try:
            key = _read_key(sent)
            body = await _read_body(receive)
            if body is None:
                return
            place = self._place(key, route, scope)
            begun = await self._begin(place, _fingerprint(scope, body), owner)
        except APIException as refusal:
            await problem_response(refusal, scope)(scope, receive, send)
            return
        if begun.verdict == "run":
            request_info(scope).idempotency = IdempotentCall(key, begun.attempt)
            await self._run(place, owner, scope, _again(body, receive), send)
        elif begun.verdict == "answered" and begun.answer is not None:
            await _replay(Answer.from_bytes(begun.answer), send)
        else:
            await problem_response(_refusal(begun), scope)(scope, receive, send)

    async def _begin(self, place: str, fingerprint: str, owner: str) -> Begun:
        try:
            return await self._store.begin(place, fingerprint, owner)
        except StoreUnavailableError as error:
            if self._config.when_unavailable == "allow":
                _LOGGER.warning("A request with an idempotency key runs unprotected", error=str(error))
                return Begun("run")
            raise ServiceUnavailableException(
                detail="answers to requests with an Idempotency-Key cannot be kept now, and without that none is begun",
                error_code="IDEMPOTENCY_UNAVAILABLE",
                rule="idempotency-store-available",
                retry_after=1,
                headers={"Retry-After": "1"},
            ) from error

    async def _run(self, place: str, owner: str, scope: Scope, receive: Receive, send: Send) -> None:
        ended = False

        async def keep(status: int, answer: Answer | None) -> None:
            nonlocal ended
            ended = True
            failed = status >= 500
            if status in _PASSING or (failed and self._config.after_failure == "run_again"):
                await self._let_go(place, owner)
            else:
                await self._finish(place, owner, answer)

        recorder = AnswerRecorder(send, max_bytes=self._config.max_answer_bytes, keep=keep)
        try:
            async with self._alive(place, owner):
                await self._app(scope, receive, recorder.send)
        finally:
            if not ended:
                # An exception, or a request that was cancelled. What follows is up to `after_failure`, as after a crash.
                await self._let_go(place, owner)

    @asynccontextmanager
    async def _alive(self, place: str, owner: str) -> AsyncIterator[None]:
        pulse = asyncio.create_task(self._renew(place, owner), name="idempotency lease")
        try:
            yield
        finally:
            pulse.cancel()

    async def _renew(self, place: str, owner: str) -> None:
        while True:
            await asyncio.sleep(self._config.lease.total_seconds() / 3)
            try:
                if not await self._store.renew(place, owner):
                    return
            except StoreUnavailableError:
                continue

    async def _finish(self, place: str, owner: str, answer: Answer | None) -> None:
        try:
            if not await self._store.finish(place, owner, None if answer is None else answer.to_bytes()):
                _LOGGER.warning(
                    "An answer was not kept: its request took longer than its lease and is no longer its own"
                )
        except StoreUnavailableError as error:
            # The work is done and its answer is true; only the promise to give it again cannot be kept.
            _LOGGER.error("An answer to a request with an idempotency key could not be kept", error=str(error))

    async def _let_go(self, place: str, owner: str) -> None:
        try:
            await self._store.give_up(place, owner)
        except StoreUnavailableError as error:
            _LOGGER.warning("A request with an idempotency key blocks its key until its lease ends", error=str(error))

    def _place(self, key: str, route: str, scope: Scope) -> str:
        principal = request_info(scope).principal
        caller = f"address:{address_group(self._addresses.find(scope))}" if principal is None else principal.identity
        return _hash(caller.encode(errors="replace"), scope["method"].encode(), route.encode(), key.encode())


def _read_key(sent: list[bytes]) -> str:
    match = _KEY.fullmatch(sent[0].strip()) if len(sent) == 1 else None
    if match is None:
        raise APIException(
            "The idempotency key is not valid",
            detail="send one header 'Idempotency-Key' with 1 to 255 visible ASCII characters, best a UUID",
            status_code=400,
            error_code="IDEMPOTENCY_KEY_INVALID",
            rule="idempotency-key-valid",
        )
    return match["key"].decode("ascii")


async def _read_body(receive: Receive) -> bytes | None:
    """Return the body; None when the caller hung up."""
    body = bytearray()
    try:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if not message.get("more_body", False):
                return bytes(body)
    except HTTPException as error:
        # The layer that counts bodies speaks to FastAPI, which is further in.
        raise status_error(error.status_code, detail=error.detail, headers=dict(error.headers or {})) from error


def _again(body: bytes, receive: Receive) -> Receive:
    given = False

    async def receive_again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


async def _replay(answer: Answer, send: Send) -> None:
    headers = [*answer.headers, (b"idempotency-replayed", b"true")]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _refusal(begun: Begun) -> APIException:
    if begun.verdict == "other_request":
        return ValidationException(
            "The idempotency key belongs to another request",
            detail="this key was used with another body, path or query; a new thing to do needs a new key",
            error_code="IDEMPOTENCY_KEY_REUSED",
            rule="idempotency-key-same-request",
        )
    if begun.verdict == "running":
        return ConflictException(
            "The request is being answered",
            detail="a request with this idempotency key has not ended yet; try again in a moment",
            error_code="IDEMPOTENCY_IN_PROGRESS",
            rule="idempotency-key-free",
            retry_after=1,
            headers={"Retry-After": "1"},
        )
    if begun.verdict == "outcome_unknown":
        return ConflictException(
            "Nobody knows how the request ended",
            detail="an earlier attempt with this idempotency key did not end; look whether it did its work before using a new key",
            error_code="IDEMPOTENCY_OUTCOME_UNKNOWN",
            rule="idempotency-outcome-known",
        )
    return ConflictException(
        "The answer was not kept",
        detail="the request with this idempotency key was answered before, but its answer was too large to be kept",
        error_code="IDEMPOTENCY_ANSWER_NOT_KEPT",
        rule="idempotency-answer-kept",
    )


def _fingerprint(scope: Scope, body: bytes) -> str:
    return _hash(scope["path"].encode(errors="replace"), scope["query_string"], body)


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()
