"""What happens to a child when its parent closes."""

from __future__ import annotations

from enum import StrEnum


class ParentClose(StrEnum):
    """What happens to a child that has not ended when its parent closes.

    A parent closes when it returns, fails, is cancelled or terminated, and when it starts over with `continue_as_new`.
    """

    CANCEL = "cancel"
    """It is asked to stop, and may clean up."""

    TERMINATE = "terminate"
    """It is ended at once, and so are its own children, by the policies that they have."""

    ABANDON = "abandon"
    """It goes on."""
