"""Ids of requests whose callers sent none."""

import os
import random
from typing import Final

# Seeded by the operating system, and asked instead of it: a system call for each request would hand the interpreter to
# another thread. An id is no secret, it only has to differ from all others.
_NUMBERS: Final = random.Random()  # noqa: S311
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_NUMBERS.seed)  # a forked child must not go on with its parent's numbers


def new_request_id() -> str:
    """Return an id that no other request has.

    Returns:
        32 lower-case hex digits.
    """
    return f"{_NUMBERS.getrandbits(128):032x}"
