"""What the registry asks of its storage."""

from collections.abc import Collection, Sequence
from typing import Protocol

from ._instances import InstanceKey, Registration
from ._notices import Notice


class RegistrationStore(Protocol):
    """Keeps registrations over restarts."""

    async def load(self) -> Sequence[Registration]:
        """Return everything that is kept.

        Returns:
            The registrations, in no particular order.

        Raises:
            StorageError: They cannot be read.
        """
        ...

    async def save(self, registration: Registration, notices: Sequence[Notice] = ()) -> None:
        """Keep a registration, in place of the one with the same key.

        Args:
            registration: What to keep. It is on disk when the call returns.
            notices: What the platform is to be told, kept with it or not at all.

        Raises:
            StorageError: It is not kept; what was kept before still is.
        """
        ...

    async def remove(self, keys: Collection[InstanceKey], notices: Sequence[Notice] = ()) -> None:
        """Forget registrations, all of them or none.

        Args:
            keys: Whose; a key that is not kept is no error.
            notices: What the platform is to be told, kept with it or not at all.

        Raises:
            StorageError: Nothing was forgotten.
        """
        ...
