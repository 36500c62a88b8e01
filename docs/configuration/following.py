"""A service that takes up new values while it runs."""

import asyncio
import logging
import os
import sys
import tempfile
from pathlib import Path

from maestro_core_config import BaseConfig, ConfigChange, ConfigManager, Live


class FeedServiceConfig(BaseConfig):
    page_size: Live[int] = 50
    cache_ttl_s: int = 60


# region: follow
def show(change: ConfigChange[FeedServiceConfig]) -> None:
    print("page size:", change.previous.page_size, "→", change.config.page_size)


async def serve(manager: ConfigManager[FeedServiceConfig], file: Path) -> None:
    config = manager.load()
    async with manager.watch(config) as watch:
        watch.subscribe(show, "page_size")
        file.write_text("page_size: 10\ncache_ttl_s: 5\n")
        async for change in watch.changes():
            print("live:", [str(setting) for setting in change.changes])
            print("with the next start:", [setting.name for setting in watch.pending])
            break
        print(watch.config.page_size, watch.config.cache_ttl_s)


# endregion: follow


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("config").mkdir()
        file = Path("config/feed-service.yaml")
        file.write_text("page_size: 20\n")
        asyncio.run(serve(ConfigManager(FeedServiceConfig), file))
        os.chdir("/")


if __name__ == "__main__":
    main()
