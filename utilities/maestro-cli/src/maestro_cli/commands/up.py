"""`maestro up`: start the local environment."""

from collections.abc import Sequence
from datetime import timedelta

import rich_click as click

from maestro_cli import render
from maestro_cli._errors import AlreadyRunningError
from maestro_cli._watching import EnvironmentWatch
from maestro_cli.local import (
    GATEWAY,
    REGISTRY,
    DatabaseKind,
    Engine,
    EnvironmentPhase,
    EnvironmentState,
    Home,
    ServiceSpec,
    Supervisor,
    SupervisorOptions,
    check_same_database,
    check_same_engine,
    follow_start,
    installed_services,
    lock_holder,
    own_environment,
    run_supervisor,
    start_detached,
)

from ._options import Seconds, config_folder, database_option, engine_option, grace_option, json_option
from .status import show_status


@click.command(short_help="Start the services.")
@click.argument("services", nargs=-1)
@click.option("--detach", "-d", is_flag=True, help="Return once everything is ready; it goes on in the background.")
@click.option(
    "--timeout",
    type=Seconds(),
    default="60",
    show_default=True,
    help="How long a service may take until it is ready.",
)
@grace_option
@engine_option
@click.option("--no-gateway", is_flag=True, help="Leave the API gateway (Envoy) out.")
@database_option
@json_option
@click.pass_obj
def up(
    home: Home,
    services: tuple[str, ...],
    detach: bool,
    timeout: timedelta,
    grace: timedelta,
    engine: Engine | None,
    no_gateway: bool,
    database: DatabaseKind | None,
    as_json: bool,
) -> None:
    """Start SERVICES, or every installed service and the API gateway, and keep them running.

    In the foreground Ctrl-C ends them; a second Ctrl-C does not wait for them. With --detach they go on until
    `maestro down`.
    """
    gateway = not no_gateway and (not services or GATEWAY in services)
    services = tuple(name for name in services if name != GATEWAY) or ((REGISTRY,) if services else ())
    options = SupervisorOptions(ready_timeout=timeout, grace=grace, engine=engine, database=database, gateway=gateway)
    specs = installed_services(services)
    with EnvironmentWatch(render.err()) as watch:
        if not detach:
            _in_foreground(home, specs, options, watch)
            return
        if lock_holder(home) is None:
            start_detached(
                home,
                services,
                own_environment(),
                options=options,
                config_dir=config_folder(),
                watch=watch,
            )
        else:
            follow_start(home, watch)
            check_same_engine(home, engine)
            check_same_database(home, database)
            render.err().print(f"The environment in {home.root} runs already.", markup=False, soft_wrap=True)
    show_status(home, as_json=as_json)


def _in_foreground(
    home: Home, specs: Sequence[ServiceSpec], options: SupervisorOptions, watch: EnvironmentWatch
) -> None:
    holder = lock_holder(home)
    if holder is not None:
        raise AlreadyRunningError(home.root, holder or None)
    console = render.err()
    told = False

    def observe(now: EnvironmentState) -> None:
        nonlocal told
        watch(now)
        if now.phase is EnvironmentPhase.RUNNING and not told:
            told = True
            console.print("Everything is ready. Ctrl-C stops it.")

    supervisor = Supervisor(
        home,
        specs,
        own_environment(),
        options=options,
        config_dir=config_folder(),
        observe=observe,
    )
    run_supervisor(supervisor)
    console.print("Everything has stopped.")
