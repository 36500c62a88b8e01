"""What can go wrong with keys."""

from pathlib import Path

from governance_service.domain import GovernanceError


class KeysError(GovernanceError):
    """Root of this package's errors."""

    code = "KEYS_ERROR"


class NoSigningKeyError(KeysError):
    """There is no key that may sign now."""

    code = "NO_SIGNING_KEY"

    def __init__(self) -> None:
        super().__init__("no key may sign now: are the clocks of those who share the folder of keys the same?")


class KeyFolderError(KeysError):
    """The folder of keys cannot be used.

    Args:
        path: The file or folder.
        reason: What is wrong with it.
    """

    code = "KEY_FOLDER_UNUSABLE"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the keys in {path} cannot be used: {reason}")
        self.path = path
        self.reason = reason
