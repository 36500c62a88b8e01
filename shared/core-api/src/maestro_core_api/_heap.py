"""How often the garbage collector looks at a service's memory."""

import gc
from typing import Final

_NEW_OBJECTS: Final = 20_000
"""So many new containers bring about a collection. Python's own 700 are what three requests make, most of them still at work."""


def settle_heap() -> None:
    """Tell the garbage collector that the process has started up: what is there now stays.

    Otherwise it walks through every module, route and model again and again, hundreds of thousands of objects that hold up
    all requests meanwhile, and finds nothing. For a process that only serves; garbage is still collected.
    """
    gc.collect()
    gc.freeze()
    _, *older = gc.get_threshold()
    gc.set_threshold(_NEW_OBJECTS, *older)
