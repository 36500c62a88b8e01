"""The gateway speaks https, and HTTP/2 where the caller can."""

import asyncio
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from edge_kit.edge import SECRET, TOKEN, CentralRegistryConfig, create_app, edge, gateway_process, until

from maestro_core_api import TLSConfig, public
from maestro_core_api.testing import running


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of its own for the loopback address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "tls.crt", folder / "tls.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem = serialization.PrivateFormat.PKCS8
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, pem, serialization.NoEncryption()))
    return paths


async def test_the_gateway_speaks_tls(tmp_path: Path) -> None:
    """With a certificate it answers over TLS 1.2 and later, offers HTTP/2, and plain HTTP gets nothing from it."""
    crt, key = certificate(tmp_path)
    config = CentralRegistryConfig.model_validate(
        {"jwt_secret": SECRET, "gateway_token": TOKEN, "data_dir": tmp_path / "registry", "environment": "test"}
    )
    files = {"GATEWAY_CERTIFICATE": str(crt), "GATEWAY_KEY": str(key)}
    trust = ssl.create_default_context(cafile=str(crt))
    async with running(create_app(config)) as url:
        with gateway_process(tmp_path, url, **files) as gateway:
            gateway.start()
            async with httpx2.AsyncClient(verify=trust, trust_env=False) as client:

                async def answers() -> bool:
                    try:
                        answer = await client.get(f"https://127.0.0.1:{gateway.port}/central-registry/services")
                    except httpx2.HTTPError:
                        return False
                    return answer.status_code == 401

                await until(answers)
                try:
                    plain = (await client.get(f"{gateway.url}/health/live")).status_code
                except httpx2.HTTPError:
                    plain = None
                assert plain is None
            trust.set_alpn_protocols(["h2", "http/1.1"])
            _, writer = await asyncio.open_connection("127.0.0.1", gateway.port, ssl=trust)
            assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
            writer.close()


async def test_a_services_certificate_is_checked(tmp_path: Path) -> None:
    """A service with https is reached when its certificate is from an authority that the gateway knows, and not otherwise."""
    crt, key = certificate(tmp_path)
    for name, files, status in (("known", {"GATEWAY_CA_FILE": str(crt)}, 200), ("unknown", {}, 503)):
        folder = tmp_path / name
        folder.mkdir()
        async with edge(folder, **files) as site:
            app = site.app(tls=TLSConfig(certificate=crt, key=key))

            @app.get("/about")
            @public
            async def about() -> None: ...

            await site.serve(app)
            answer = await site.reachable("/shop/about", status=status)
            if status == 503:
                client = await site.client()

                async def broken(client: httpx2.AsyncClient = client) -> bool:
                    return bool((await client.get("/shop/about")).json()["rule"] == "instance-answers")

                await until(broken)
                assert answer.headers["content-type"] == "application/problem+json"
