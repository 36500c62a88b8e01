"""Errors of this package."""

from typing import ClassVar


class GatewayError(Exception):
    """Root of this package's errors."""

    code: ClassVar[str] = "GATEWAY_ERROR"
