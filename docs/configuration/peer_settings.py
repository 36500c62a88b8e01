"""A service's settings with pydantic-settings."""

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
