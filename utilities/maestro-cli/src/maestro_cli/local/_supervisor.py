"""The process that starts the services of one environment, keeps them running and ends them."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from maestro_cli._errors import HomeError, MaestroCliError, PortTakenError, StartFailedError

from ._atomic import write_atomically
from ._configured_port import configured_port
from ._database import DatabaseKind, check_database_unset
from ._discovery import GOVERNANCE, REGISTRY, TELEMETRY, ServiceSpec, installed_services, workflow_modules
from ._engine import Engine, check_unset
from ._environment import identity_variables, service_environment
from ._gateway import GATEWAY, check_envoy, gateway_spec
from ._home import Home
from ._leftovers import sweep_leftovers
from ._lock import hold_lock
from ._nats import NATS, find_nats, nats_server, wants_nats
from ._options import SupervisorOptions
from ._ports import LOOPBACK, PortReservation, reserve_port
from ._postgres import POSTGRES, check_postgres_installed, postgres_server
from ._process import process_started
from ._requests import take_restarts
from ._secrets import ensure_jwt_secret, ensure_token
from ._server import LocalServer
from ._service import SupervisedService
from ._state import EnvironmentPhase, EnvironmentState, ServiceState, StartFailure, save_state
from ._telemetry import telemetry_variables, wants_telemetry
from ._temporal import TEMPORAL, TemporalServer, find_temporal

_FOUNDATION: Final = frozenset({REGISTRY, TELEMETRY, TEMPORAL, NATS, POSTGRES})
_TRIES: Final = 3
_TAKEN: Final = "address already in use"
_LOW_SPACE_BYTES: Final = 16 * 1024 * 1024


class Supervisor:
    """Runs one environment from start to end.

    Args:
        home: The environment's folder.
        specs: What to start; the registry and the servers that services stand on come before the others.
        environ: The user's environment.
        options: Time limits, and what runs are kept on.
        config_dir: Folder with configuration files; None when there is none.
        observe: Called with the environment's state after every change.
    """

    def __init__(
        self,
        home: Home,
        specs: Sequence[ServiceSpec],
        environ: Mapping[str, str],
        *,
        options: SupervisorOptions,
        config_dir: Path | None = None,
        observe: Callable[[EnvironmentState], None] = lambda _: None,
    ) -> None:
        self._home = home
        # Who sends telemetry elsewhere needs no store here.
        self._specs = tuple(spec for spec in specs if spec.name != TELEMETRY or wants_telemetry(environ))
        self._environ = environ
        self._options = options
        self._config_dir = config_dir
        self._observe = observe
        self._phase = EnvironmentPhase.STARTING
        self._failure: StartFailure | None = None
        self._started_at = datetime.now(UTC)
        self._services: dict[str, SupervisedService] = {}
        self._registry_port: int | None = None
        self._gateway_port: int | None = None
        self._temporal: TemporalServer | None = None
        self._given: dict[str, str] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._resources = ExitStack()
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._requested = asyncio.Event()

    def ask_stop(self) -> None:
        """End the environment; asked a second time, without waiting for the services."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def look_for_requests(self) -> None:
        """Read the orders that have been left."""
        self._requested.set()

    async def run(self) -> None:
        """Start everything and keep it running until `ask_stop`.

        Raises:
            AlreadyRunningError: Another supervisor runs in this home.
            HomeError: The home cannot be used.
            PortTakenError: A port that was asked for is in use.
            StartFailedError: A service did not come up. Everything has been stopped; `state.json` tells of it.
        """
        with self._resources:
            self._home.prepare()
            self._resources.enter_context(hold_lock(self._home))
            sweep_leftovers(self._home)
            take_restarts(self._home)
            try:
                ensure_jwt_secret(self._home)
                if self._options.engine is Engine.TEMPORAL:
                    self._add_temporal()
                if self._options.database is DatabaseKind.POSTGRES:
                    self._add_postgres()
                if wants_nats(self._environ):
                    self._add_nats()
                self._add([*self._specs, *self._gateway()])
                self._publish()
                if await self._unless_stopped(self._start_all()):
                    self._phase = EnvironmentPhase.RUNNING
                    self._publish()
                    await self._serve_requests()
            except MaestroCliError as error:
                self._failure = _failure(error, self._home)
                raise
            finally:
                await self._stop_all()

    def _add(self, specs: Iterable[ServiceSpec]) -> None:
        modules = workflow_modules()
        reserved = {spec: self._reserve(spec) for spec in specs}
        for spec, port in reserved.items():
            if spec.name == REGISTRY:
                self._registry_port = port.number
            if spec.name == TELEMETRY:
                ensure_token(self._home, TELEMETRY)
                self._given |= telemetry_variables(self._home, port.number)
            if spec.name == GATEWAY:
                self._gateway_port = port.number
            if spec.name == GOVERNANCE:
                self._given |= identity_variables(self._environ, f"http://{LOOPBACK}:{port.number}")
        for spec, port in reserved.items():
            environ = service_environment(
                self._environ,
                home=self._home,
                spec=spec,
                port=port.number,
                registry_port=self._registry_port,
                workflow_modules=modules,
                config_dir=self._config_dir,
                temporal=self._temporal,
                given=self._given,
                gateway_port=self._gateway_port,
            )
            state = ServiceState(
                name=spec.name,
                port=port.number,
                url=f"http://{LOOPBACK}:{port.number}",
                log_file=self._home.log_file(spec.name),
            )
            self._services[spec.name] = SupervisedService(
                spec.command, state, environ, options=self._options, hurry=self._hurry, changed=self._publish
            )

    def _add_temporal(self) -> None:
        check_unset(self._environ)
        binary = find_temporal(self._environ)
        port, http_port = self._free_port(TEMPORAL), self._free_port(TEMPORAL)
        self._temporal = TemporalServer(binary, port, http_port, self._home.data / TEMPORAL)
        self._add_server(self._temporal.as_server(self._environ, self._home))

    def _add_postgres(self) -> None:
        check_database_unset(self._environ)
        check_postgres_installed()
        port, password = self._free_port(POSTGRES), ensure_token(self._home, POSTGRES)
        self._add_server(postgres_server(self._environ, home=self._home, port=port, password=password))

    def _add_nats(self) -> None:
        binary = find_nats(self._environ)
        port, http_port = self._free_port(NATS), self._free_port(NATS)
        token = ensure_token(self._home, NATS)
        self._add_server(
            nats_server(self._environ, home=self._home, binary=binary, port=port, http_port=http_port, token=token)
        )

    def _add_server(self, server: LocalServer) -> None:
        try:
            server.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HomeError(server.folder, error.strerror or str(error)) from error
        for path, text in server.files.items():
            write_atomically(path, text.encode(), mode=0o600)
        self._given |= server.variables
        state = ServiceState(
            name=server.name,
            port=server.port,
            url=server.url,
            ready_url=server.ready_url,
            log_file=self._home.log_file(server.name),
        )
        self._services[server.name] = SupervisedService(
            server.command,
            state,
            server.environ,
            options=self._options,
            hurry=self._hurry,
            changed=self._publish,
            stop_signal=server.stop_signal,
        )

    def _free_port(self, server: str) -> int:
        return self._resources.enter_context(reserve_port(server)).number

    def _gateway(self) -> list[ServiceSpec]:
        spec = gateway_spec() if self._options.gateway else None
        if spec is None:
            return []
        check_envoy(self._environ)
        ensure_token(self._home, GATEWAY)
        return [spec]

    def _reserve(self, spec: ServiceSpec) -> PortReservation:
        wanted = configured_port(spec, self._environ, self._config_dir)
        variable = f"{spec.variable_prefix}PORT"
        return self._resources.enter_context(reserve_port(spec.name, wanted=wanted, variable=variable))

    async def _start_all(self) -> None:
        await self._start_together([name for name in self._services if name in _FOUNDATION])
        await self._start_together([name for name in self._services if name not in _FOUNDATION])
        for name in self._services:
            self._keep(name)

    async def _start_together(self, names: Iterable[str]) -> None:
        fault: Exception | None = None
        try:
            async with asyncio.TaskGroup() as group:
                for name in names:
                    group.create_task(self._start(name))
        except* MaestroCliError as failures:
            # One fault is enough to stop; the first one is the likeliest cause of the others.
            fault = failures.exceptions[0]
        if fault is not None:  # raised above, some releases of Python would wrap it in a group again
            raise fault

    async def _start(self, name: str) -> None:
        for left in reversed(range(_TRIES)):
            try:
                await self._services[name].start()
            except StartFailedError as error:
                # Beside the ports that are kept for it, the Temporal server finds some itself; another may be faster.
                if not left or name != TEMPORAL or not any(_TAKEN in line for line in error.log_tail):
                    raise
            else:
                return

    def _keep(self, name: str) -> None:
        self._keepers[name] = asyncio.create_task(self._services[name].keep(), name=f"keep {name}")

    async def _serve_requests(self) -> None:
        while await self._unless_stopped(self._requested.wait()):
            self._requested.clear()
            for name in take_restarts(self._home):
                await self._unless_stopped(self._deploy(name))

    async def _deploy(self, name: str) -> None:
        if name in self._services:
            self._services[name].ask_restart()
            return
        # It may have been installed after the environment was started.
        with contextlib.suppress(MaestroCliError):
            self._add(spec for spec in installed_services([name]) if spec.name == name)
            with contextlib.suppress(StartFailedError):
                await self._services[name].start()
            self._keep(name)

    async def _unless_stopped(self, work: Awaitable[object]) -> bool:
        """Do some work, but give it up when the environment is to end.

        Returns:
            Whether the work was done.
        """
        task = asyncio.ensure_future(work)
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
        if task.cancelled():
            return False
        task.result()
        return not self._stop.is_set()

    async def _stop_all(self) -> None:
        if self._failure is None:
            self._phase = EnvironmentPhase.STOPPING
            self._publish()
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)
        # What the others stand on goes last, so that they can still sign off.
        for foundation in (False, True):
            stopping = [
                service.stop() for name, service in self._services.items() if (name in _FOUNDATION) is foundation
            ]
            await asyncio.gather(*stopping)
        if self._failure is None:
            self._home.state_file.unlink(missing_ok=True)
        else:
            self._phase = EnvironmentPhase.FAILED
            self._publish()

    def _publish(self) -> None:
        pid = os.getpid()
        state = EnvironmentState(
            phase=self._phase,
            home=self._home.root,
            supervisor_pid=pid,
            supervisor_started=process_started(pid) or 0.0,
            started_at=self._started_at,
            services=tuple(service.state for service in self._services.values()),
            failure=self._failure,
        )
        try:
            save_state(self._home, state)
        except HomeError:
            # A disk that fills up later must not take running services down; what is on it is merely out of date.
            if self._phase is EnvironmentPhase.STARTING:
                raise
        self._observe(state)


def _failure(error: MaestroCliError, home: Home) -> StartFailure:
    failure = StartFailure(service=None, message=error.message, reason=error.message, hint=error.hint)
    if isinstance(error, PortTakenError):
        return failure.model_copy(update={"service": error.service})
    if isinstance(error, StartFailedError):
        free = shutil.disk_usage(home.root).free
        if free < _LOW_SPACE_BYTES and error.hint is None:
            error.hint = f"Only {free // 1024} KiB are free on the disk of {home.root}; make some room."
        return failure.model_copy(
            update={
                "service": error.service,
                "reason": error.reason,
                "hint": error.hint,
                "process_exit_code": error.process_exit_code,
                "log_file": error.log_file,
                "log_tail": error.log_tail,
            }
        )
    return failure
