"""How often the garbage collector looks at a service's memory."""

import gc
from typing import Final

_NEW_OBJECTS: Final = 20_000
"""So many new containers bring about a collection. Python's own 700 are what a few requests make, most of them still at work."""


def settle_heap() -> None:
    """Tell the garbage collector that the service is built: what is there now, modules, routes and models, stays.

    Otherwise it walks through all of that again and again, a hundred thousand objects, holds up every request meanwhile,
    and finds nothing. Call it before the lifespan opens: what a service takes up there, unfinished runs for one, ends
    some day, and must be found when it does. For a process that does nothing but serve.
    """
    gc.collect()
    gc.freeze()
    _, *older = gc.get_threshold()
    gc.set_threshold(_NEW_OBJECTS, *older)
