"""Started in front of a program: ties its life to that of the process which starts it, then becomes the program.

It runs as a file, without the package around it: `python -I -S _tether.py PARENT PROGRAM ARGUMENT…`. The kernel keeps the
wish to die with the parent across `execv`. Doing this in a function between fork and exec would be unsafe beside the
parent's threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def _main() -> None:
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        # The parent died before the kernel knew of the wish.
        raise SystemExit(1)
    os.execv(program[0], program)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    _main()
