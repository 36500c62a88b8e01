"""Plain logging, before it is moved; docs/logging.md shows what the check says of it."""

# ruff: noqa: ANN001, ANN201, G003, G004
import logging

logger = logging.getLogger(__name__)


def place(order, user):
    logger.info(f"User {user.id} placed order {order.id}")
    try:
        order.charge()
    except Exception as error:
        logger.error("Payment failed: " + str(error))
        raise
