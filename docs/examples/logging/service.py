"""What docs/logging.md shows. Run it: `python docs/examples/logging/service.py`."""

from __future__ import annotations

import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

# region: start
from maestro_core_logging import configure_logging, get_logger, log_context

configure_logging("shop-service", log_format="json", log_level="INFO", environment="production", version="1.2.3")
logger = get_logger(__name__)


def place(order_id: int) -> None:
    with log_context(request_id="r-17"):
        logger.info("Order placed", order_id=order_id, cents=1250)
        charge(logger.bind(order_id=order_id))


# endregion: start
# region: failure
def charge(log: Logger) -> None:
    try:
        raise ConnectionError("postgresql://shop:hunter2@db/orders does not answer")
    except ConnectionError:
        log.exception("Payment failed", api_key="hunter2")


# endregion: failure
# region: threads
from maestro_core_logging import carry_context  # noqa: E402


def fan_out(pool: ThreadPoolExecutor) -> None:
    with log_context(request_id="r-18"):
        pool.submit(carry_context(logger.info), "In a pool").result()
        thread = threading.Thread(target=carry_context(logger.info), args=("In a thread",))
        thread.start()
        thread.join()


# endregion: threads
# region: levels
from maestro_core_logging import log_levels, reset_log_level, set_log_level  # noqa: E402


def look_closer() -> None:
    set_log_level("DEBUG", "shop.orders", for_=timedelta(minutes=10))  # then it falls back, and a line says so
    set_log_level("INFO", "sqlalchemy.engine")  # the standard library's loggers follow
    assert log_levels()["shop.orders"] == "DEBUG"
    reset_log_level("sqlalchemy.engine")


# endregion: levels
# region: options
from maestro_core_logging import (  # noqa: E402
    PERSONAL_KEYS,
    Delivery,
    Logger,
    Masking,
    Repetition,
    Sampling,
    Tracebacks,
)


def configure_fully() -> None:
    configure_logging(
        "shop-service",
        levels={"sqlalchemy.engine": "WARNING", "shop.orders": "DEBUG"},
        masking=Masking(
            keys=PERSONAL_KEYS | {"licence_plate"},
            shown_keys=frozenset({"page_token"}),
            patterns=(re.compile(r"(?P<kept>patient )\d+"),),
            emails=True,
        ),
        sampling=Sampling(loggers={"shop.health": 0.01}),
        repetition=Repetition(lines=100, period=timedelta(minutes=1)),
        tracebacks=Tracebacks(local_variables=True),
        delivery=Delivery(buffer_lines=50_000),
    )


# endregion: options
# region: asking
from maestro_core_logging import flush_logs, log_statistics  # noqa: E402


def before_a_deadline() -> None:
    flush_logs(timedelta(seconds=2))
    counts = log_statistics()
    logger.info("Log statistics", written=counts.written, dropped=counts.dropped, suppressed=counts.suppressed)


# endregion: asking
if __name__ == "__main__":
    place(17)
    with ThreadPoolExecutor() as workers:
        fan_out(workers)
    look_closer()
    configure_fully()
    logging.getLogger("lib").warning("The same way: %s", "patient 17")
    before_a_deadline()
