"""The same settings as in `peer_settings`, with MAESTRO."""

import os

from peer_settings import Database, Settings

# region: after
from pydantic import SecretStr

from maestro_core_config import BaseConfig, ConfigManager


class MailConfig(BaseConfig):
    database: Database = Database()
    api_key: SecretStr
    senders: list[str] = []


# endregion: after


def main() -> None:
    os.environ |= {  # noqa: TID251 - the example sets what a platform would
        "MAIL_API_KEY": "4fK2vQ9xTzW8mB3nR7yL",
        "MAIL_DATABASE__POOL_SIZE": "9",
        "MAIL_SENDERS": '["a@example.com"]',
    }
    before, after = Settings(), ConfigManager(MailConfig).load()
    assert (before.database, before.api_key, before.senders) == (after.database, after.api_key, after.senders)


if __name__ == "__main__":
    main()
