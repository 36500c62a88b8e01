import subprocess
import sys

import pytest

PARENT = """
import subprocess, sys
from maestro_core_config import tethered
subprocess.run([*tethered(), sys.executable, "-c", "import time; print('up', flush=True); time.sleep(100)"])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not end a process with its parent")
def test_a_tethered_program_ends_with_a_parent_that_is_killed() -> None:
    """Parent and program hold the same pipe: it is closed once neither of them lives."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        parent.kill()
        assert parent.communicate(timeout=60)[0] == b""
