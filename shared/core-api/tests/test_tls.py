import ipaddress
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from maestro_core_api import MaestroAPI, StartupError, TLSConfig, public
from maestro_core_api._registration import Registration
from maestro_core_api.testing import running

MakeApp = Callable[..., MaestroAPI]


class Pair(NamedTuple):
    certificate: Path
    key: Path


def issue(folder: Path, name: str, signer: Pair | None = None, password: bytes | None = None) -> Pair:
    """Make a key and a certificate for 127.0.0.1, signed by another or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, signing = subject, key
    if signer is not None:
        issuer = x509.load_pem_x509_certificate(signer.certificate.read_bytes()).subject
        signing = serialization.load_pem_private_key(signer.key.read_bytes(), None)  # type: ignore[assignment]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .sign(signing, hashes.SHA256())
    )
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    protection = serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
    pair.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection))
    return pair


@pytest.fixture
def authority(tmp_path: Path) -> Pair:
    """A certificate authority."""
    return issue(tmp_path, "authority")


@pytest.fixture
def server(tmp_path: Path, authority: Pair) -> Pair:
    """The service's own certificate."""
    return issue(tmp_path, "server", authority)


def trusting(authority: Pair, client: Pair | None = None) -> ssl.SSLContext:
    """Return what a caller needs who trusts the authority, and maybe shows a certificate."""
    context = ssl.create_default_context(cafile=authority.certificate)
    if client is not None:
        context.load_cert_chain(client.certificate, client.key)
    return context


def with_scheme(app: MaestroAPI) -> MaestroAPI:
    """Add an endpoint that tells how it was called."""
    from starlette.requests import Request

    @app.get("/scheme")
    @public
    async def scheme(request: Request) -> str:
        return request.url.scheme

    return app


async def test_a_service_speaks_tls(make_app: MakeApp, authority: Pair, server: Pair) -> None:
    """With certificate and key the address is https, callers that trust the authority are served, others are not."""
    app = with_scheme(make_app(tls=TLSConfig(certificate=server.certificate, key=server.key)))
    async with running(app) as url:
        assert url.startswith("https://127.0.0.1:")
        async with httpx2.AsyncClient(verify=trusting(authority), trust_env=False) as client:
            assert (await client.get(f"{url}/scheme")).json() == "https"
        async with httpx2.AsyncClient(trust_env=False) as stranger:
            with pytest.raises(httpx2.ConnectError):
                await stranger.get(f"{url}/scheme")


async def test_callers_can_be_asked_for_a_certificate(
    make_app: MakeApp, tmp_path: Path, authority: Pair, server: Pair
) -> None:
    """With an authority for clients, a caller without its certificate is not served."""
    tls = TLSConfig(certificate=server.certificate, key=server.key, client_ca=authority.certificate)
    async with running(with_scheme(make_app(tls=tls))) as url:
        context = trusting(authority, issue(tmp_path, "client", authority))
        async with httpx2.AsyncClient(verify=context, trust_env=False) as client:
            assert (await client.get(f"{url}/scheme")).json() == "https"
        async with httpx2.AsyncClient(verify=trusting(authority), trust_env=False) as stranger:
            with pytest.raises((httpx2.TransportError, ssl.SSLError)):
                await stranger.get(f"{url}/scheme")


def test_faults_in_the_files_are_named(tmp_path: Path, authority: Pair, server: Pair) -> None:
    """A missing file, a key of another certificate and what is no certificate are told by name."""
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nothing of the kind")
    missing = tmp_path / "missing.pem"
    cases: list[tuple[dict[str, Any], str]] = [
        ({"certificate": missing, "key": server.key}, "missing.pem"),
        ({"certificate": server.certificate, "key": authority.key}, "authority.key"),
        ({"certificate": server.certificate, "key": issue(tmp_path, "locked", authority, b"sesame").key}, "locked.key"),
        ({"certificate": wrong, "key": server.key}, "wrong.pem"),
        ({"certificate": server.certificate, "key": server.key, "client_ca": wrong}, "wrong.pem"),
    ]
    for options, named in cases:
        with pytest.raises(StartupError, match=named):
            TLSConfig(**options).checked()


def test_run_refuses_what_cannot_be_used(
    make_app: MakeApp, tmp_path: Path, server: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    """A service whose certificate is missing ends with sysexits' EX_CONFIG and one line."""
    app = make_app(tls=TLSConfig(certificate=tmp_path / "none.pem", key=server.key))
    with pytest.raises(SystemExit) as ended:
        app.run()
    assert ended.value.code == 78
    assert "none.pem" in capsys.readouterr().err


def test_the_registered_address_says_https(make_app: MakeApp, server: Pair) -> None:
    """The registry is given an https address."""
    tls = TLSConfig(certificate=server.certificate, key=server.key)
    registration = Registration(make_app(tls=tls, port=8443).config, url=None)
    assert registration._url == "https://127.0.0.1:8443"
