"""Packages of migrations, written by the test that needs them."""

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

SCRIPT = '''"""{message}."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {back}
'''
FIRST = ('op.create_table("a", sa.Column("id", sa.Integer, primary_key=True))', 'op.drop_table("a")')
SECOND = ('op.add_column("a", sa.Column("text", sa.Text))', 'op.drop_column("a", "text")')


def package(folder: Path, name: str, scripts: Mapping[str, tuple[str, str]], metadata: str = "") -> ModuleType:
    """Write a package, or write it anew.

    Args:
        folder: Where.
        name: Of the package.
        scripts: Revision → (upgrade, downgrade), the first one first.
        metadata: Source for its `__init__.py`.
    """
    place = folder / name
    (place / "versions").mkdir(parents=True, exist_ok=True)
    (place / "__init__.py").write_text(metadata)
    down = None
    for revision, (up, back) in scripts.items():
        script = SCRIPT.format(message=f"Do {revision}", revision=revision, down=down, up=up, back=back)
        (place / "versions" / f"{revision}.py").write_text(script)
        down = revision
    sys.modules.pop(name, None)
    sys.path.insert(0, str(folder))
    try:
        importlib.invalidate_caches()
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
