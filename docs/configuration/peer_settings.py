"""A service's settings with pydantic-settings, and with MAESTRO."""

import os

# region: before
from pydantic import BaseModel, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Database(BaseModel):
    host: str = "localhost"
    pool_size: int = 5


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="MAIL_", env_nested_delimiter="__", env_file=".env")

    database: Database = Database()
    api_key: SecretStr
    senders: list[str] = []


# endregion: before
# region: after
from maestro_core_config import BaseConfig, ConfigManager  # noqa: E402 - it stands beside what it replaces


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
    # region: load
    before = Settings()  # type: ignore[call-arg]  # its fields come from elsewhere
    after = ConfigManager(MailConfig).load()
    # endregion: load
    assert (before.database, before.api_key, before.senders) == (after.database, after.api_key, after.senders)


if __name__ == "__main__":
    main()
