"""Helpers for tests of services that publish or consume events."""

from maestro_core_messaging._memory._server import MemoryServer
from maestro_core_messaging.testing._nats_server import NatsServer, nats_server_binary
from maestro_core_messaging.testing._waiting import eventually

__all__ = ["MemoryServer", "NatsServer", "eventually", "nats_server_binary"]
