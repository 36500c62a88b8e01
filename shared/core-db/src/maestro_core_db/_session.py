"""The session of a unit of work."""

from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from ._errors import CommitUnknownError, DatabaseUnavailableError, StaleRecordError

COMMITTED = "maestro_committed"


class UnitOfWorkSession(Session):
    """SQLAlchemy's session, honest about commits: it tells when it cannot know whether one took place."""

    def flush(self, objects: object = None) -> None:
        """Write what has changed; see SQLAlchemy's `Session.flush`.

        Raises:
            StaleRecordError: Somebody else has changed a `Versioned` record.
        """
        try:
            super().flush(objects)  # type: ignore[arg-type]  # handed on as it came
        except StaleDataError as error:
            raise StaleRecordError("the record was changed or deleted by somebody else; read it again") from error

    def commit(self) -> None:
        """Commit; see SQLAlchemy's `Session.commit`.

        Raises:
            CommitUnknownError: The connection was lost while the database was committing.
        """
        # What fails before COMMIT is sent has changed nothing, so it is done before.
        self.flush()
        try:
            super().commit()
        except DatabaseUnavailableError as error:
            if not self._is_far():
                raise
            raise CommitUnknownError(
                f"{error}: during COMMIT, so the changes may be in the database or not; look before doing them again"
            ) from error
        self.info[COMMITTED] = True

    def _is_far(self) -> bool:
        # SQLite is in this process, and has rolled back when it says that it could not commit.
        return self.get_bind().dialect.name != "sqlite"
