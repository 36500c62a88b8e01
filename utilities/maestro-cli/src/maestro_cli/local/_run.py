"""Running a supervisor in this process until a signal ends it."""

import asyncio
import signal

from ._requests import REQUEST_SIGNAL
from ._supervisor import Supervisor


def run_supervisor(supervisor: Supervisor) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP; a second one of them ends the services without waiting.

    Args:
        supervisor: What to run. This must be the main thread: services die with the thread that started them.

    Raises:
        MaestroCliError: What `Supervisor.run` raises.
    """
    asyncio.run(_until_signal(supervisor))


async def _until_signal(supervisor: Supervisor) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.ask_stop)
    loop.add_signal_handler(REQUEST_SIGNAL, supervisor.look_for_requests)
    await supervisor.run()
