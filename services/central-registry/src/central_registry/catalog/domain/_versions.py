"""Which of two versions is the older one."""

from maestro_core_api import version_key


def is_older(version: str, than: str) -> bool:
    """Compare two versions by their numbers; what has a suffix (`1.0.0-rc1`) comes before what has none.

    Args:
        version: One version.
        than: Another.

    Returns:
        True when the first one is older; False also when the two cannot be told apart.
    """
    return version_key(version) < version_key(than)
