"""Replayed dead letters: on a subject that one consumer alone listens to."""

from collections.abc import Mapping
from typing import Final

REPLAY_PREFIX: Final = "maestro-replay."
ORIGINAL_SUBJECT: Final = "Maestro-Subject"
"""The header that tells where the event was published first."""


def replay_subject(consumer: str) -> str:
    """Return the subject of what is replayed for a consumer."""
    return REPLAY_PREFIX + consumer


def original_subject(subject: str, headers: Mapping[str, str] | None) -> str:
    """Return where an event was published first."""
    return (headers or {}).get(ORIGINAL_SUBJECT, subject)
