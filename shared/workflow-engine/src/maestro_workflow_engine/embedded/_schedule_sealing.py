"""The payloads of a schedule, its input and its note, as the journal keeps them: sealed like those of a run.

They stay sealed in memory too and are opened when they are used, so that a schedule whose key is missing can still be paused,
changed and deleted.
"""

from __future__ import annotations

import msgspec

from maestro_workflow_engine.embedded._sealing import TAG, Sealer


class ScheduleSealer:
    """Seals and opens what users say to schedules.

    Args:
        sealer: Does it for runs.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def seal_input(self, schedule_id: str, input_: msgspec.Raw) -> msgspec.Raw:
        """Return an input as it is kept.

        Raises:
            PayloadError: It is too large to be kept.
        """
        return msgspec.Raw(self._sealer.seal_value(schedule_id, "input", bytes(input_)))

    def open_input(self, schedule_id: str, kept: msgspec.Raw) -> msgspec.Raw:
        """Return an input as it was given.

        Raises:
            PayloadUnreadableError: It cannot be read back.
        """
        return msgspec.Raw(self._sealer.open_value(schedule_id, "input", bytes(kept)))

    def seal_note(self, schedule_id: str, note: str) -> str:
        """Return a note as it is kept: itself, or the text of a tag.

        Raises:
            PayloadError: It is too large to be kept.
        """
        plain = msgspec.json.encode(note)
        kept = self._sealer.seal_value(schedule_id, "note", plain)
        if kept != plain:
            return kept.decode()
        return f'{{"$maestro.esc":{plain.decode()}}}' if note.startswith(TAG.decode()) else note

    def open_note(self, schedule_id: str, kept: str) -> str:
        """Return a note as it was given.

        Raises:
            PayloadUnreadableError: It cannot be read back.
        """
        if not kept.startswith(TAG.decode()):
            return kept
        return msgspec.json.decode(self._sealer.open_value(schedule_id, "note", kept.encode()), type=str)
