"""OTLP over HTTP: what services send.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp.
"""

import hmac
import sqlite3
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from google.protobuf import json_format
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces
from pydantic import SecretStr

from maestro_core_api import UnauthorizedException, public
from telemetry_store.errors import (
    MalformedTelemetryError,
    MalformedTelemetryException,
    StorageError,
    StorageUnavailableException,
    UnsupportedEncodingException,
)
from telemetry_store.otlp import Encoding, logs_in, packed, points_in, spans_in, unpacked
from telemetry_store.storage import TelemetryFile, add_logs, add_points, add_spans

_RETRY_AFTER_S: Final = 5
_BODY: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {kind.value: {"schema": {}} for kind in Encoding}}
}
_Request = TypeVar("_Request", bound=Message)
_Record = TypeVar("_Record")


class Ingest:
    """Takes telemetry from whoever shows the token.

    Args:
        file: Where it is kept.
        token: What senders show; None lets nobody send.
        max_bytes: The largest request, unpacked.
    """

    def __init__(self, file: TelemetryFile, token: SecretStr | None, max_bytes: int) -> None:
        self._file = file
        self._token = token
        self._max_bytes = max_bytes

    def check(self, request: Request) -> None:
        """See that the sender may send.

        Args:
            request: The request.

        Raises:
            UnauthorizedException: It does not show the token.
        """
        kind, _, shown = request.headers.get("authorization", "").partition(" ")
        if self._token is None:
            raise UnauthorizedException(detail="otlp_token is not set, so nobody may send telemetry", rule="otlp-token")
        if kind.lower() != "bearer" or not hmac.compare_digest(shown.encode(), self._token.get_secret_value().encode()):
            raise UnauthorizedException(detail="send otlp_token as a bearer token", rule="otlp-token")

    async def take(
        self,
        request: Request,
        message: _Request,
        read: Callable[[_Request], Iterable[_Record]],
        keep: Callable[[sqlite3.Connection, list[_Record]], None],
        answer: Message,
    ) -> Response:
        """Keep what a request brings.

        Args:
            request: The request.
            message: An empty message of its kind.
            read: Makes records of the message.
            keep: Writes them.
            answer: What a sender hears when all is well.

        Returns:
            The answer, written as the request is.

        Raises:
            UnsupportedEncodingException: It is written or packed in an unknown way.
            MalformedTelemetryException: It cannot be read.
            TelemetryTooLargeException: It is too large.
            StorageUnavailableException: It cannot be kept now.
        """
        encoding = _encoding(request)
        try:
            body = await request.body()
            if request.headers.get("content-encoding", "identity").lower() == "gzip":
                body = unpacked(body, self._max_bytes)
            records = list(read(packed(message, body, encoding)))
        except MalformedTelemetryError as error:
            raise MalformedTelemetryException(detail=str(error)) from error
        try:
            await self._file.write(lambda connection: keep(connection, records))
        except StorageError as error:
            raise StorageUnavailableException(
                detail=error.reason, headers={"Retry-After": str(_RETRY_AFTER_S)}, retry_after=_RETRY_AFTER_S
            ) from error
        text = answer.SerializeToString() if encoding is Encoding.PROTOBUF else json_format.MessageToJson(answer)
        return Response(text, media_type=encoding.value)


async def _ingest(request: Request) -> Ingest:
    ingest: Ingest = request.state.ingest
    ingest.check(request)
    return ingest


TheIngest = Annotated[Ingest, Depends(_ingest)]
router = APIRouter(prefix="/v1", tags=["otlp"])


@router.post("/traces", openapi_extra=_BODY)
@public
async def take_traces(request: Request, ingest: TheIngest) -> Response:
    """Take spans: an ExportTraceServiceRequest. The sender shows `otlp_token`, not a token of a person."""
    return await ingest.take(
        request, traces.ExportTraceServiceRequest(), spans_in, add_spans, traces.ExportTraceServiceResponse()
    )


@router.post("/logs", openapi_extra=_BODY)
@public
async def take_logs(request: Request, ingest: TheIngest) -> Response:
    """Take log records: an ExportLogsServiceRequest. The sender shows `otlp_token`, not a token of a person."""
    return await ingest.take(
        request, logs.ExportLogsServiceRequest(), logs_in, add_logs, logs.ExportLogsServiceResponse()
    )


@router.post("/metrics", openapi_extra=_BODY)
@public
async def take_metrics(request: Request, ingest: TheIngest) -> Response:
    """Take points of metrics: an ExportMetricsServiceRequest. The sender shows `otlp_token`, not a token of a person."""
    return await ingest.take(
        request, metrics.ExportMetricsServiceRequest(), points_in, add_points, metrics.ExportMetricsServiceResponse()
    )


def _encoding(request: Request) -> Encoding:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        encoding = Encoding(kind)
    except ValueError:
        raise UnsupportedEncodingException(detail=f"the content type is {kind or 'missing'}") from None
    packing = request.headers.get("content-encoding", "identity").lower()
    if packing not in {"identity", "gzip"}:
        raise UnsupportedEncodingException(detail=f"the content encoding is {packing}")
    return encoding
