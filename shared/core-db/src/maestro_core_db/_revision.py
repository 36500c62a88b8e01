"""What is known of migrations without running them."""

from dataclasses import dataclass

from alembic.script import Script


@dataclass(frozen=True, slots=True)
class Revision:
    """One migration."""

    revision: str
    """Its id."""
    down_revision: str | None
    """The one before it; None for the first."""
    message: str
    """What it does, in the script's words."""

    @classmethod
    def of(cls, script: Script) -> "Revision":
        """Read a script's head.

        Args:
            script: The migration.
        """
        down = script.down_revision
        return cls(script.revision, down if isinstance(down, str) else None, script.doc or "")


@dataclass(frozen=True, slots=True)
class MigrationState:
    """How a database stands to the code's migrations."""

    current: str | None
    """The database's revision; None when it has none."""
    head: str | None
    """The code's newest revision; None when there are no migrations."""
    pending: tuple[Revision, ...]
    """What the database lacks, in the order in which it would be applied."""
    is_newer: bool
    """Whether the code does not know the database's revision."""

    @property
    def is_current(self) -> bool:
        """Whether the database is where the code wants it."""
        return not self.pending and not self.is_newer
