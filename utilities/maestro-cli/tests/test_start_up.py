import subprocess
import sys

SCRIPT = """
import sys
from click.testing import CliRunner
from maestro_cli.cli import cli
done = CliRunner().invoke(cli, ["workflow", *sys.argv[1:]])
print(done.exit_code, sorted({name.partition(".")[0] for name in sys.modules} & {"fastapi", "maestro_core_api"}))
"""


def test_commands_that_only_read_files_import_no_services() -> None:
    """Checking a document takes what it takes to start Python and the engine; a web framework would double that."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "validate", "/dev/null"], capture_output=True, text=True, check=False
    )

    assert done.stdout == "1 []\n", done.stderr
