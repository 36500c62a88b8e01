"""Opens the policies: their storage, and those that come from files."""

from collections.abc import Iterator
from pathlib import Path

from governance_service.clock import Clock
from governance_service.policies.api import Policies
from governance_service.policies.config import PolicySettings
from governance_service.policies.domain import Fault, InvalidPolicyError, PolicyBook, PolicyChangedError
from governance_service.policies.files import BUILTIN, policy_files, read_policy
from governance_service.policies.storage import DatabasePolicies
from governance_service.telling import Teller
from maestro_core_db import Database
from maestro_core_logging import get_logger

_logger = get_logger(__name__)


async def open_policies(config: PolicySettings, db: Database, teller: Teller, clock: Clock) -> Policies:
    """Open the policies, and put those in force that come from files.

    Args:
        config: Their settings.
        db: The database, migrated.
        teller: Tells what happens to policies.
        clock: Gives the present.

    Returns:
        The policies.

    Raises:
        InvalidPolicyError: A file holds a policy that cannot be used: the service does not start with less than it was given.
        PolicyTestsFailedError: The tests of one fail.
        DatabaseError: The database cannot be used.
    """
    store = DatabasePolicies(db, teller, kept=config.policy_decisions_kept)
    book = PolicyBook(store, clock=clock, compared=config.policy_decisions_compared)
    for path in _files(config):
        name, source = read_policy(path)
        try:
            if await book.take_file(name, source, path.name):
                _logger.info("Policy taken from a file", policy=name, path=str(path))
        except PolicyChangedError:
            _logger.info("Another process has taken the policy", policy=name, path=str(path))
    return Policies(book, store)


def _files(config: PolicySettings) -> Iterator[Path]:
    folder = config.policy_dir
    own: list[Path] = []
    if folder is not None:
        if not folder.is_dir():
            raise InvalidPolicyError(str(folder), [Fault("policy_dir", f"there is no folder {folder}")])
        own = list(policy_files(folder))
    # A policy of one's own takes the place of the built-in one of its name.
    names = {path.name for path in own}
    if config.policy_builtin:
        yield from (path for path in policy_files(BUILTIN) if path.name not in names)
    yield from own
