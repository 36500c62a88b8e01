"""`call: grpc`: a method of a service, described by a proto file or by the server's own reflection."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from maestro_workflow_engine.dsl.calls._authorization import credentials
from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._http import text
from maestro_workflow_engine.dsl.calls._proto import Services, services_of
from maestro_workflow_engine.dsl.calls._reflection import reflected_services

_TLS_PORT = 443
_STATUSES: Mapping[str, int] = {
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "UNAUTHENTICATED": 401,
}
"""The HTTP status of each gRPC status (google.rpc.Code); 500 for the others."""


async def perform(arguments: dict[str, Any], context: CallContext) -> Any:
    """Call the method; see `Perform`. A stream of answers becomes a list."""
    service = arguments["service"]
    port = service.get("port") or _TLS_PORT
    metadata = await _metadata(service, context)
    async with open_channel(text(service["host"]), port) as channel:
        services = await _services(arguments["proto"], context)
        method = services.method(text(service["name"]), text(arguments["method"]))
        try:
            return await _called(channel, method, services, arguments.get("arguments") or {}, metadata)
        except grpc.aio.AioRpcError as error:
            raise rpc_fault(error, f"{method.containing_service.full_name}/{method.name}") from None


def open_channel(host: str, port: int) -> grpc.aio.Channel:
    """Open a channel: over TLS on port 443, in plain text elsewhere."""
    target = f"{host}:{port}"
    if port == _TLS_PORT:
        return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials())
    return grpc.aio.insecure_channel(target)


def rpc_fault(error: grpc.aio.AioRpcError, what: str) -> CallFault:
    """Make the error of a call that ended with a gRPC status other than OK."""
    code = error.code().name
    problem = f"{what} failed with {code}: {error.details() or 'no details'}"
    return CallFault("communication", problem, title=code, status=_STATUSES.get(code, 500))


async def _services(proto: Mapping[str, Any], context: CallContext) -> Services:
    uri = proto["uri"]
    if isinstance(uri, str) and uri.startswith(("grpc://", "grpcs://")):
        return await reflected_services(uri, await _metadata(proto, context), context)
    return await services_of(proto, context)


async def _metadata(place: Mapping[str, Any], context: CallContext) -> list[tuple[str, str]]:
    shown = await credentials(place.get("authentication"), context)
    if shown is None:
        return []
    if shown.scheme == "Digest":
        raise CallFault("configuration", "digest authentication is for HTTP; gRPC knows no challenge")
    return [("authorization", shown.header)]


async def _called(
    channel: grpc.aio.Channel,
    method: MethodDescriptor,
    services: Services,
    arguments: Mapping[str, Any],
    metadata: list[tuple[str, str]],
) -> Any:
    asked, answered = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    try:
        request = json_format.ParseDict(dict(arguments), asked(), descriptor_pool=services.pool)
    except json_format.ParseError as error:
        raise CallFault("validation", f"the arguments do not fit {method.input_type.full_name}: {error}") from None
    path = f"/{method.containing_service.full_name}/{method.name}"
    coders: dict[str, Any] = {
        "request_serializer": asked.SerializeToString,
        "response_deserializer": answered.FromString,
    }

    def plain(message: Any) -> Any:
        return json_format.MessageToDict(message, descriptor_pool=services.pool)

    async def requests() -> AsyncIterator[Any]:
        yield request

    if method.server_streaming:
        stream: AsyncIterable[Any]
        if method.client_streaming:
            stream = channel.stream_stream(path, **coders)(requests(), metadata=metadata)
        else:
            stream = channel.unary_stream(path, **coders)(request, metadata=metadata)
        return [plain(message) async for message in stream]
    if method.client_streaming:
        return plain(await channel.stream_unary(path, **coders)(requests(), metadata=metadata))
    return plain(await channel.unary_unary(path, **coders)(request, metadata=metadata))
