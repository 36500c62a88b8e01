"""Server reflection: a gRPC server that describes its own services."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from maestro_workflow_engine.dsl.calls._call import CallFault
from maestro_workflow_engine.dsl.calls._context import CallContext
from maestro_workflow_engine.dsl.calls._proto import Services, gathered


async def reflected_services(uri: str, metadata: Sequence[tuple[str, str]], context: CallContext) -> Services:
    """Ask a server for its services.

    Args:
        uri: `grpc://host:port`, or `grpcs://host:port` for TLS.
        metadata: What the request carries.
        context: The call. The answer is kept for some minutes.

    Returns:
        The services.

    Raises:
        CallFault: The server cannot be reached, or does not reflect.
    """
    known: Services | None = context.shared.compiled.get(("reflection", uri))
    if known is not None:
        return known
    parts = urlsplit(uri)
    is_secure = parts.scheme == "grpcs"
    target = f"{parts.hostname}:{parts.port or (443 if is_secure else 80)}"
    channel = (
        grpc.aio.secure_channel(target, grpc.ssl_channel_credentials())
        if is_secure
        else grpc.aio.insecure_channel(target)
    )
    async with channel:
        try:
            services = gathered(await _files(channel, metadata))
        except grpc.aio.AioRpcError as error:
            reason = f"{error.code().name}: {error.details() or 'no details'}"
            raise CallFault("communication", f"{uri} does not describe its services: {reason}") from None
    context.shared.compiled.put(("reflection", uri), services)
    return services


async def _files(channel: grpc.aio.Channel, metadata: Sequence[tuple[str, str]]) -> list[FileDescriptorProto]:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)

    async def asked(*requests: Any) -> list[Any]:
        async def stream() -> AsyncIterator[Any]:
            for request in requests:
                yield request

        return [answer async for answer in stub.ServerReflectionInfo(stream(), metadata=tuple(metadata))]

    listed = (await asked(reflection_pb2.ServerReflectionRequest(list_services="")))[0].list_services_response.service
    known: dict[str, FileDescriptorProto] = {}
    wanted = [
        reflection_pb2.ServerReflectionRequest(file_containing_symbol=each.name)
        for each in listed
        if not each.name.startswith("grpc.reflection.")
    ]
    while wanted:
        for answer in await asked(*wanted):
            for content in answer.file_descriptor_response.file_descriptor_proto:
                file = FileDescriptorProto.FromString(content)
                known[file.name] = file
        missing = {name for file in known.values() for name in file.dependency if name not in known}
        before, wanted = (
            {each.file_by_filename for each in wanted},
            [reflection_pb2.ServerReflectionRequest(file_by_filename=name) for name in sorted(missing)],
        )
        if missing and missing <= before:
            raise CallFault("communication", f"the server does not describe {', '.join(sorted(missing))}")
    return _ordered(known)


def _ordered(files: dict[str, FileDescriptorProto]) -> list[FileDescriptorProto]:
    """Put each file after those that it imports."""
    placed: dict[str, FileDescriptorProto] = {}

    def place(name: str) -> None:
        if name not in placed:
            for needed in files[name].dependency:
                place(needed)
            placed[name] = files[name]

    for name in files:
        place(name)
    return list(placed.values())
