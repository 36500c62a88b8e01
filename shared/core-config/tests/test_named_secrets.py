from pathlib import Path

import pytest

from maestro_core_config import NamedSecrets


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("payment-api", "MAESTRO_SECRET_PAYMENT_API"),
        ("paymentApi", "MAESTRO_SECRET_PAYMENT_API"),
        ("my-oauth2-secret", "MAESTRO_SECRET_MY_OAUTH2_SECRET"),
        ("oauth2Login", "MAESTRO_SECRET_OAUTH2_LOGIN"),
    ],
)
def test_a_name_means_one_variable(name: str, variable: str) -> None:
    """Words, however they are joined, are the words of the variable."""
    assert NamedSecrets({variable: "abc"}).read(name) == "abc"


def test_an_object_has_parts() -> None:
    """A JSON object is read as one; anything else is text, JSON or not."""
    secrets = NamedSecrets(
        {"MAESTRO_SECRET_A": '{"user": "u", "n": 1}', "MAESTRO_SECRET_B": "{no", "MAESTRO_SECRET_C": "12"}
    )
    assert [secrets.read(name) for name in "abc"] == [{"user": "u", "n": 1}, "{no", "12"]


def test_secrets_come_from_files(tmp_path: Path) -> None:
    """A named file, a file in the folder, and a folder with a file for each part; the last line break is no part of it."""
    (tmp_path / "token").write_text("t0k\n")
    (tmp_path / "login").mkdir()
    (tmp_path / "login" / "username").write_text("me")
    (tmp_path / "login" / "password").write_text("p\n\n")
    (tmp_path / "login" / "..data").write_text("left alone")
    secrets = NamedSecrets({"MAESTRO_SECRETS_DIR": str(tmp_path), "MAESTRO_SECRET_NAMED_FILE": str(tmp_path / "token")})
    assert secrets.read("named") == secrets.read("token") == "t0k"
    assert secrets.read("login") == {"username": "me", "password": "p\n"}


def test_the_environment_comes_before_files(tmp_path: Path) -> None:
    """The order is variable, named file, folder."""
    (tmp_path / "s").write_text("folder")
    (tmp_path / "other").write_text("file")
    environ = {"MAESTRO_SECRETS_DIR": str(tmp_path)}
    assert NamedSecrets(environ).read("s") == "folder"
    environ["MAESTRO_SECRET_S_FILE"] = str(tmp_path / "other")
    assert NamedSecrets(environ).read("s") == "file"
    environ["MAESTRO_SECRET_S"] = "variable"
    assert NamedSecrets(environ).read("s") == "variable"


@pytest.mark.parametrize("name", ["missing", "../outside", "/etc/hostname", ".."])
def test_what_is_not_there_is_none(tmp_path: Path, name: str) -> None:
    """An unknown name gives None, and no name leads out of the folder."""
    (tmp_path / "in").mkdir()
    (tmp_path / "outside").write_text("no")
    assert NamedSecrets({"MAESTRO_SECRETS_DIR": str(tmp_path / "in")}).read(name) is None
    assert NamedSecrets({}).read(name) is None


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A file that is named and cannot be read is told, not passed over."""
    with pytest.raises(OSError, match="gone"):
        NamedSecrets({"MAESTRO_SECRET_S_FILE": str(tmp_path / "gone")}).read("s")
