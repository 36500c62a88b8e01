import os

from maestro_core_config import inherited_environment


def test_programs_get_what_they_need_and_no_secret() -> None:
    """Where programs and temporary files are is passed on; settings and secrets are not."""
    given = {"PATH": "/bin", "LANG": "C", "MAESTRO_JWT_SECRET": "s", "AWS_SECRET_ACCESS_KEY": "k"}
    assert inherited_environment(given) == {"PATH": "/bin", "LANG": "C"}
    assert inherited_environment().items() <= os.environ.items()
