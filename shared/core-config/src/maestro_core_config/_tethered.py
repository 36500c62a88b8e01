"""Programs that are to end with the process that starts them, even when that is killed."""

import os
import sys
from pathlib import Path
from typing import Final

_TETHER: Final = Path(__file__).with_name("_tether.py")


def tethered() -> tuple[str, ...]:
    """Give the beginning of a command that makes the program die with this process; Linux alone does.

    Returns:
        The words to put in front of the program, whose path must be absolute; the thread that starts it must live on.
    """
    return (sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()))
