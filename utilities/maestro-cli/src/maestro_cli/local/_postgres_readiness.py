"""Asking a PostgreSQL server whether it takes sessions.

Source: PostgreSQL 18, "Frontend/Backend Protocol", sections "Start-up" and "Message Formats".
"""

import asyncio
import struct
from typing import Final

_PROTOCOL: Final = 196_608  # 3.0
_AUTHENTICATION: Final = b"R"
_ERROR: Final = b"E"
_LONGEST: Final = 10_000


async def ask_postgres(host: str, port: int, *, timeout_s: float) -> tuple[bool, str]:
    """Ask once, without a password: a server that asks for one takes sessions; one that starts or recovers refuses.

    Args:
        host: Where it is.
        port: The same.
        timeout_s: Limit for the question.

    Returns:
        Whether it is ready, and what it said, for a person.
    """
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(_startup_message())
                return await _answer(reader)
            finally:
                writer.close()
    except TimeoutError:
        return False, "no answer"
    except (OSError, asyncio.IncompleteReadError) as error:
        return False, str(error) or type(error).__name__


def _startup_message() -> bytes:
    body = struct.pack("!i", _PROTOCOL) + b"user\0maestro\0database\0maestro\0\0"
    return struct.pack("!i", len(body) + 4) + body


async def _answer(reader: asyncio.StreamReader) -> tuple[bool, str]:
    kind = await reader.readexactly(1)
    if kind == _AUTHENTICATION:
        return True, "takes sessions"
    if kind != _ERROR:
        return False, f"no PostgreSQL server: it answered {kind!r}"
    (length,) = struct.unpack("!i", await reader.readexactly(4))
    if not 4 <= length <= _LONGEST:
        return False, "no PostgreSQL server: its answer has no end"
    fields = (await reader.readexactly(length - 4)).decode(errors="replace").split("\0")
    # Each field is a letter and a text; M is the message.
    return False, next((field[1:] for field in fields if field.startswith("M")), "refused")
