"""The errors of payloads that are encrypted, or kept outside the journal."""

from __future__ import annotations

from maestro_workflow_engine._errors import JournalWriteError, WorkflowError


class PayloadUnreadableError(WorkflowError):
    """A payload of a run cannot be read back. What the journal holds stays as it is.

    Attributes:
        run_id: The run it belongs to; None when a codec raised the error by itself.
    """

    code = "PAYLOAD_UNREADABLE"

    def __init__(self, run_id: str | None, message: str) -> None:
        super().__init__(message)
        self.run_id = run_id


class PayloadKeyError(PayloadUnreadableError):
    """A payload was encoded with a key that the engine was not given. Nothing is lost: give it the key.

    Attributes:
        key_id: The key's id.
    """

    code = "PAYLOAD_KEY_MISSING"

    def __init__(self, key_id: str, run_id: str | None = None) -> None:
        whose = "a payload" if run_id is None else f"run {run_id!r} has payloads that"
        was = "was" if run_id is None else "were"
        super().__init__(
            run_id,
            f"{whose} {was} encoded with key {key_id!r}, which is not there; open the engine with a codec that has it",
        )
        self.key_id = key_id


class PayloadIntegrityError(PayloadUnreadableError):
    """A payload is not the one that was written here: it was altered, damaged, or taken from another place.

    Attributes:
        where: The place, such as "event 3, output"; None when a codec raised the error by itself.
    """

    code = "PAYLOAD_INTEGRITY"

    def __init__(self, reason: str, run_id: str | None = None, where: str | None = None) -> None:
        super().__init__(run_id, reason if run_id is None else f"run {run_id!r}, {where}: {reason}")
        self.reason = reason
        self.where = where


class PayloadMissingError(PayloadUnreadableError):
    """A payload that a run refers to is not in the payload store.

    Attributes:
        sha256: The object's digest, in hexadecimal.
        url: The store; None when the engine has none.
    """

    code = "PAYLOAD_MISSING"

    def __init__(self, sha256: str, run_id: str | None, url: str | None) -> None:
        place = "it was opened without a payload_store" if url is None else f"it is not in {url}"
        super().__init__(run_id, f"run {run_id!r} refers to the stored payload {sha256}, and {place}")
        self.sha256 = sha256
        self.url = url


class PayloadStoreError(JournalWriteError):
    """The payload store cannot be reached or refuses at the moment. A start or signal that needed it did not happen.

    Attributes:
        path: The store's URL.
    """

    code = "PAYLOAD_STORE"
