"""Envoy's life: started with what it needs, watched, drained, ended."""

import asyncio
import platform
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import httpx2

from maestro_core_api.gateway import opened_limit_store
from maestro_core_config import inherited_environment, tethered
from maestro_core_logging import get_logger
from maestro_gateway import EdgeIssuer, EdgeSettings
from maestro_gateway._errors import GatewayError
from maestro_gateway.envoy import Surroundings, bootstrap
from maestro_gateway.limits import Counter, serving

from ._admin import EnvoyAdmin
from ._binary import find_envoy
from ._config import GatewayProcessConfig
from ._workspace import Workspace, shared_key_set

_LOG_FORMAT: Final = '{"timestamp":"%Y-%m-%dT%T.%fZ","level":"%l","logger":"envoy.%n","service":"gateway","event":"%j"}'
_OTLP_TOKEN: Final = "GATEWAY_OTLP_TOKEN"  # noqa: S105 - a variable's name
_DEBIANS: Final = "/etc/ssl/certs/ca-certificates.crt"
_PAUSE: Final = timedelta(milliseconds=50)


class EnvoyEndedError(GatewayError):
    """Envoy has ended by itself."""

    code = "ENVOY_ENDED"


class Gateway:
    """One gateway process.

    Args:
        config: Its configuration; `port` and `registry_url` are set.
    """

    def __init__(self, config: GatewayProcessConfig) -> None:
        if not config.port:
            raise GatewayError("set GATEWAY_PORT: the gateway listens on a port that its callers know")
        if config.registry_url is None or config.gateway_token is None:
            raise GatewayError("set MAESTRO_REGISTRY_URL and MAESTRO_GATEWAY_TOKEN: routes come from the registry")
        self._config = config
        self._registry_url = config.registry_url
        self._token = config.gateway_token
        self._binary = find_envoy(config.envoy_path)
        self._node_id = config.node_id or f"{platform.node() or 'gateway'}-{config.port}"
        self._logger = get_logger(__name__)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["asyncio.subprocess.Process"]:
        """Run Envoy while the block does; at the end, running requests may end first.

        Yields:
            Envoy's process.

        Raises:
            EnvoyEndedError: It has ended before it was asked to.
        """
        config = self._config
        async with AsyncExitStack() as stack:
            workspace = stack.enter_context(Workspace.opened())
            local = await stack.enter_async_context(opened_limit_store(None, namespace="gateway"))
            store = local
            if config.valkey_url is not None:
                patience = timedelta(seconds=config.limits_timeout_s / 2)
                shared = opened_limit_store(config.valkey_url, namespace="gateway", timeout=patience)
                store = await stack.enter_async_context(shared)
            counter = Counter(store, local, when_unavailable=config.when_limits_unavailable)
            await stack.enter_async_context(serving(counter, workspace.limits))
            if config.jwt_secret is not None:
                workspace.write(workspace.keys, shared_key_set(config.jwt_secret))
            workspace.write(workspace.bootstrap, bootstrap(self._settings(workspace), self._surroundings(workspace)))
            process = await self._spawn(workspace)
            self._logger.info("Envoy started", pid=process.pid, port=config.port, node_id=self._node_id)
            try:
                yield process
            finally:
                await self._end(process, EnvoyAdmin(workspace.admin))

    async def run(self, stop: asyncio.Event) -> None:
        """Run until somebody wants it to stop.

        Args:
            stop: Set when it is to stop.

        Raises:
            EnvoyEndedError: Envoy has ended before.
        """
        async with self.running() as process:
            ended = asyncio.ensure_future(process.wait())
            asked = asyncio.ensure_future(stop.wait())
            await asyncio.wait({ended, asked}, return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            if not stop.is_set():
                raise EnvoyEndedError(f"Envoy ended with {process.returncode}; its last lines say why")
            ended.cancel()

    async def _spawn(self, workspace: Workspace) -> "asyncio.subprocess.Process":
        level = {"WARNING": "warning", "CRITICAL": "critical"}.get(
            self._config.log_level, self._config.log_level.lower()
        )
        command = (
            str(self._binary),
            "--config-path", str(workspace.bootstrap),
            "--concurrency", str(self._config.concurrency),
            "--drain-time-s", str(max(1, round(self._config.shutdown_grace_s))),
            # Its INFO is a line for each step of its own start, and for each change of its configuration.
            "--log-level", "warning" if level == "info" else level,
            # Where nobody takes spans, every one of them would be complained of.
            *(("--component-log-level", "tracing:off") if self._config.otlp_endpoint is None else ()),
            "--file-flush-interval-msec", "200",
            "--log-format", _LOG_FORMAT,
            "--disable-hot-restart",
        )  # fmt: skip
        # Envoy writes where this process does. It ends with this process, even when that is killed.
        environ = inherited_environment()
        if self._config.otlp_token is not None:
            environ[_OTLP_TOKEN] = self._config.otlp_token.get_secret_value()
        return await asyncio.create_subprocess_exec(
            *tethered(),
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            env=environ,
        )

    async def _end(self, process: "asyncio.subprocess.Process", admin: EnvoyAdmin) -> None:
        if process.returncode is not None:
            return
        try:
            async with asyncio.timeout(self._config.shutdown_grace_s):
                await admin.drain()
                while await admin.number("http.edge.downstream_rq_active"):  # noqa: ASYNC110 - Envoy tells nobody
                    await asyncio.sleep(_PAUSE.total_seconds())
        except (TimeoutError, httpx2.HTTPError) as error:
            self._logger.warning(
                "Requests were still running when the gateway ended", reason=str(error) or "time is over"
            )
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()

    def _settings(self, workspace: Workspace) -> EdgeSettings:
        config = self._config
        issuers = [
            EdgeIssuer(
                name=f"issuer-{number}",
                issuer=each.issuer,
                audiences=each.audiences,
                jwks_url=each.jwks_url,
                jwks_cluster=f"maestro.keys.{number}",
                roles_claim=tuple(each.roles_claim.split(".")),
                scope_claim=each.scope_claim,
                grantable_roles=each.grantable_roles,
            )
            for number, each in enumerate(config.trusted_issuers, 1)
        ]
        if config.jwt_secret is not None:
            issuers.insert(0, EdgeIssuer(name="maestro", issuer=config.jwt_issuer, jwks_file=str(workspace.keys)))
        return EdgeSettings(
            host=config.host,
            port=config.port,
            issuers=tuple(issuers),
            tenant_claim=config.tenant_claim,
            api_key_header=config.api_key_header.lower(),
            certificate=None if config.certificate is None else str(config.certificate.absolute()),
            key=None if config.key is None else str(config.key.absolute()),
            environment=config.environment,
            otlp_url=self._otlp_url(),
            otlp_token_variable=None if config.otlp_token is None else _OTLP_TOKEN,
            trusted_hops=config.trusted_hops,
            limits_timeout_s=config.limits_timeout_s,
            ca_file=self._ca_file(),
        )

    def _surroundings(self, workspace: Workspace) -> Surroundings:
        outside = [
            (f"maestro.keys.{number}", each.jwks_url) for number, each in enumerate(self._config.trusted_issuers, 1)
        ]
        if (otlp := self._otlp_url()) is not None:
            outside.append(("maestro.otlp", otlp))
        return Surroundings(
            node_id=self._node_id,
            admin_socket=workspace.admin,
            registry_url=self._registry_url,
            token=self._token,
            limits_socket=workspace.limits,
            ca_file=self._ca_file(),
            extra=tuple(outside),
        )

    def _ca_file(self) -> str:
        if self._config.ca_file is not None:
            return str(self._config.ca_file.absolute())
        return ssl.get_default_verify_paths().cafile or _DEBIANS

    def _otlp_url(self) -> str | None:
        if self._config.otlp_endpoint is None:
            return None
        # As services read the setting: a base address, or the whole one.
        base = self._config.otlp_endpoint.rstrip("/")
        return base if urlsplit(base).path else f"{base}/v1/traces"
