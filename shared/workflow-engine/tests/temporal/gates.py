"""A real gRPC server in front of the development server, which speaks TLS and lets in only whom it should."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import grpc
import grpc.aio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_DAY = timedelta(days=1)
_KEPT = ("client-name", "client-version", "temporal-namespace")


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, as files."""

    cert: Path
    key: Path


class Authority:
    """Issues certificates. Its own is in `ca`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.ca = folder / f"{name}.pem"
        signed = self._builder(self._name, self._key.public_key(), is_expired=False).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.pem = signed.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        self.ca.write_bytes(self.pem)

    def issue(self, name: str, *, is_expired: bool = False) -> Identity:
        """Return a certificate for the local host."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        local = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        builder = self._builder(subject, key.public_key(), is_expired=is_expired).add_extension(local, critical=False)
        made = Identity(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        made.cert.write_bytes(
            builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        )
        made.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return made

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, is_expired: bool
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 3 * _DAY)
            .not_valid_after(now - _DAY if is_expired else now + _DAY)
        )


@dataclass
class Gate(grpc.GenericRpcHandler):  # type: ignore[misc]  grpcio ships no types
    """Hands every call on; with keys, only calls that bring one."""

    upstream: grpc.aio.Channel
    keys: Collection[str] = ()
    port: int = 0
    brought: set[str | None] = field(default_factory=set)
    """What came as `authorization`."""

    def service(self, handler_call_details):
        """Take any method."""
        method = handler_call_details.method

        async def forward(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
            metadata = dict(context.invocation_metadata())
            self.brought.add(metadata.get("authorization"))
            if self.keys and metadata.get("authorization") not in {f"Bearer {key}" for key in self.keys}:
                await context.abort(grpc.StatusCode.UNAUTHENTICATED, "Request unauthorized.")
            kept = [(name, value) for name, value in metadata.items() if name in _KEPT]
            try:
                return await self.upstream.unary_unary(method)(request, metadata=kept, timeout=context.time_remaining())
            except grpc.aio.AioRpcError as error:
                await context.abort(error.code(), error.details(), error.trailing_metadata())
                raise

        return grpc.unary_unary_rpc_method_handler(forward)


@asynccontextmanager
async def gate(
    upstream: str, server: Identity, *, clients: Authority | None = None, keys: Collection[str] = ()
) -> AsyncIterator[Gate]:
    """Open a gate.

    Args:
        upstream: Host and port of the server behind it.
        server: What it shows to clients.
        clients: The authority of those that it lets in; None for whoever comes.
        keys: API keys of which calls must bring one; none for whoever comes.
    """
    credentials = grpc.ssl_server_credentials(
        [(server.key.read_bytes(), server.cert.read_bytes())],
        root_certificates=None if clients is None else clients.pem,
        require_client_auth=clients is not None,
    )
    async with grpc.aio.insecure_channel(upstream) as channel:
        opened = Gate(channel, keys)
        listening = grpc.aio.server(handlers=[opened])
        opened.port = listening.add_secure_port("127.0.0.1:0", credentials)
        await listening.start()
        try:
            yield opened
        finally:
            await listening.stop(None)
