"""How long connections are waited for."""

import time
from collections.abc import Callable

from sqlalchemy.pool import ConnectionPoolEntry, Pool


def measured(pool: Pool, observe: Callable[[float], None]) -> None:
    """Time how long each connection of a pool is waited for, also where none was free.

    Args:
        pool: The pool.
        observe: Gets each time, in seconds.
    """
    get: Callable[[], ConnectionPoolEntry] = pool._do_get  # noqa: SLF001 - the pool has no event before a connection is there

    def timed() -> ConnectionPoolEntry:
        began = time.perf_counter()
        try:
            return get()
        finally:
            observe(time.perf_counter() - began)

    pool._do_get = timed  # type: ignore[method-assign]  # noqa: SLF001 - as above
