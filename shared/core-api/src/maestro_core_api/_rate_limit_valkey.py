"""Backlogs of rate limits in Valkey, exact across workers and instances."""

from collections.abc import Sequence
from typing import Final

from ._rate_limit import Decision, decide
from ._rate_limit_store import Take
from ._valkey import ValkeyConnection

# The server's clock counts, so that instances whose clocks differ agree. All numbers are whole microseconds below 2^53, where
# Lua's are exact. A key holds the time at which its backlog will be empty, and goes away then.
_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local backlogs = {}
local taken = 1
for i, key in ipairs(KEYS) do
  local interval, capacity = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  backlogs[i] = math.max(0, tonumber(redis.call('GET', key) or now) - now)
  if backlogs[i] + interval > interval * capacity then taken = 0 end
end
if taken == 1 then
  for i, key in ipairs(KEYS) do
    local backlog = backlogs[i] + tonumber(ARGV[2 * i - 1])
    redis.call('SET', key, string.format('%.0f', now + backlog), 'PX', math.ceil(backlog / 1000))
  end
end
table.insert(backlogs, 1, taken)
return backlogs
"""


class ValkeyRateLimitStore:
    """Backlogs in Valkey.

    Args:
        connection: The connection; it must be open.
        service_name: Keeps services that share a server apart.
    """

    def __init__(self, connection: ValkeyConnection, service_name: str) -> None:
        self._connection = connection
        # The braces put all keys of a service into one slot of a cluster, as a script over several keys needs.
        self._prefix = f"maestro:{{{service_name}}}:rate:"

    async def take(self, takes: Sequence[Take]) -> list[Decision]:
        """Add a request to all backlogs, or to none."""
        numbers = [number for take in takes for number in (take.limit.interval_us, take.limit.capacity)]
        keys = [self._prefix + take.key for take in takes]
        taken, *backlogs = await self._connection.run(_TAKE, keys, numbers)
        return [decide(take.limit, backlog, taken=taken == 1) for take, backlog in zip(takes, backlogs, strict=True)]
