"""Answers to requests with idempotency keys in Valkey, for all processes of a service."""

from datetime import timedelta
from typing import Final

from ._idempotency import Begun, Verdict
from ._valkey import ValkeyConnection

# The same rules as `judge`, where nothing can come in between: the conformance tests hold both to them.
_BEGIN: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local fingerprint, owner, lease, keep, again = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local known = redis.call('HMGET', KEYS[1], 'fingerprint', 'owner', 'lease_until_ms', 'attempt', 'finished', 'answer')
local function own(attempt)
  redis.call('HSET', KEYS[1], 'fingerprint', fingerprint, 'owner', owner, 'attempt', attempt,
    'lease_until_ms', string.format('%.0f', now + lease))
  return {'run', attempt}
end
if not known[1] then
  local begun = own(1)
  redis.call('PEXPIRE', KEYS[1], keep)
  return begun
end
local attempt = tonumber(known[4])
if known[1] ~= fingerprint then return {'other_request', attempt} end
if known[5] then return {'answered', attempt, known[6]} end
if known[2] == owner then return {'run', attempt} end
if tonumber(known[3]) > now then return {'running', attempt} end
if again == '1' then return own(attempt + 1) end
return {'outcome_unknown', attempt}
"""
_IF_OWN: Final = """
local known = redis.call('HMGET', KEYS[1], 'owner', 'finished')
if known[1] ~= ARGV[1] or known[2] then return 0 end
"""
_RENEW: Final = f"""{_IF_OWN}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'lease_until_ms', string.format('%.0f', now + tonumber(ARGV[2])))
return 1
"""
_FINISH: Final = f"""{_IF_OWN}
redis.call('HSET', KEYS[1], 'finished', 1)
if ARGV[2] == '1' then redis.call('HSET', KEYS[1], 'answer', ARGV[3]) end
return 1
"""
_GIVE_UP: Final = f"""{_IF_OWN}
redis.call('HSET', KEYS[1], 'lease_until_ms', 0, 'owner', '')
return 1
"""


class ValkeyIdempotencyStore:
    """Answers in Valkey.

    Args:
        connection: The connection; it must be open.
        service_name: Keeps services that share a server apart.
        keep: How long a record is kept.
        lease: How long an owner counts as alive after its last sign.
        run_again: Whether an attempt that did not end is repeated.
    """

    def __init__(
        self, connection: ValkeyConnection, service_name: str, *, keep: timedelta, lease: timedelta, run_again: bool
    ) -> None:
        self._connection = connection
        self._prefix = f"maestro:{{{service_name}}}:idempotency:"
        self._keep_ms = keep // timedelta(milliseconds=1)
        self._lease_ms = lease // timedelta(milliseconds=1)
        self._run_again = run_again

    async def begin(self, key: str, fingerprint: str, owner: str) -> Begun:
        """Take a request in hand, or say why not."""
        arguments = (fingerprint, owner, self._lease_ms, self._keep_ms, int(self._run_again))
        verdict, attempt, *answer = await self._connection.run(_BEGIN, [self._prefix + key], arguments)
        said: Verdict = verdict.decode("ascii")
        return Begun(said, attempt, answer[0] if answer else None)

    async def renew(self, key: str, owner: str) -> bool:
        """Give a sign of life."""
        return bool(await self._connection.run(_RENEW, [self._prefix + key], (owner, self._lease_ms)))

    async def finish(self, key: str, owner: str, answer: bytes | None) -> bool:
        """Keep the answer."""
        arguments = (owner, int(answer is not None), answer or b"")
        return bool(await self._connection.run(_FINISH, [self._prefix + key], arguments))

    async def give_up(self, key: str, owner: str) -> None:
        """Let go of a request without an answer."""
        await self._connection.run(_GIVE_UP, [self._prefix + key], (owner,))
