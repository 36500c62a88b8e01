from __future__ import annotations

from typing import Any

import pytest

from maestro_core_logging import get_logger, log_context
from maestro_core_logging._masking import MASKER


@pytest.mark.parametrize(
    "key",
    [
        "password", "db_password", "password_hash", "userPassword", "PASSWD", "passphrase", "pwd", "secret", "jwt_secret",
        "clientSecret", "token", "access_token", "refreshToken", "authorization", "Proxy-Authorization", "cookie", "Set-Cookie",
        "credentials", "api_key", "apiKey", "X-Api-Key", "apikey", "private_key", "AWS_SECRET_ACCESS_KEY", "signing_keys", "jwt",
    ],
)  # fmt: skip
def test_names_of_secrets_are_known(key: str) -> None:
    """Whichever way it is written, a secret's name is recognised."""
    assert MASKER.is_secret_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "user",
        "max_tokens",
        "token_count",
        "tokens",
        "keyboard",
        "primary_key",
        "key",
        "secret_name",
        "authorized",
        "_",
        "secretary",
    ],
)
def test_look_alikes_are_shown(key: str) -> None:
    """Masking what is no secret makes a log useless."""
    assert not MASKER.is_secret_key(key)


def test_secrets_are_masked_wherever_they_stand(lines: Any) -> None:
    """In fields, nested, bound and in the context; a secret that is None is seen to be missing."""
    logger = get_logger("x").bind(api_key="hunter1", bound={"token": "hunter2"})
    with log_context(session_token="hunter3", deep={"cookie": "hunter4"}):
        logger.info(
            "Login",
            password="hunter5",
            headers={"Authorization": "Bearer hunter6", "accept": "json"},
            items=[{"db_password": "hunter7"}, ({"jwt": "hunter8"},)],
            secret=None,
            max_tokens=100,
        )
    assert "hunter" not in lines.getvalue()
    line = lines.one()
    assert (line["headers"]["accept"], line["max_tokens"], line["secret"]) == ("json", 100, None)
    assert (line["password"], line["api_key"], line["session_token"]) == ("**********",) * 3


def test_the_caller_s_own_objects_are_left_alone(lines: Any) -> None:
    """Masking changes what is logged and not what was passed."""
    headers = {"authorization": "Bearer x"}
    get_logger().info("Call", headers=headers)
    assert headers == {"authorization": "Bearer x"}
    assert lines.one()["headers"] == {"authorization": "**********"}


def test_a_key_seen_before_is_masked_again(lines: Any) -> None:
    """What is remembered of keys does not depend on the order of calls, nor on the value that came first."""
    logger = get_logger()
    for value in (None, 1, "hunter2", {"a": 1}):
        logger.info("x", token=value, fine=value)
    logger.info("y", fine={"token": "hunter2"})
    assert "hunter2" not in "".join(line for line in lines.getvalue().splitlines() if '"y"' in line)
    assert [line.get("token") for line in lines.json()] == [None, *["**********"] * 3, None]
